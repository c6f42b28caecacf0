import csv
import logging
import random

import minihydra

log = logging.getLogger(__name__)


def load(path):
    with open(path) as file:
        return [(float(a), float(b)) for a, b in csv.reader(file)]


@minihydra.main(config_path="conf", config_name="config")
def main(cfg):
    logging.basicConfig(filename="train.log", level=logging.INFO)
    random.seed(cfg.seed)
    points = load(minihydra.to_absolute_path(cfg.data_file))
    slope, shift, pull, speed = random.random(), 0.0, 0.0, 0.0
    for epoch in range(cfg.epochs):
        random.shuffle(points)
        loss = 0.0
        for x, y in points:
            error = slope * x + shift - y
            loss += error * error
            pull = cfg.optimizer.momentum * pull - cfg.optimizer.lr * error * x
            speed = cfg.optimizer.momentum * speed - cfg.optimizer.lr * error
            slope, shift = slope + pull * 0.1, shift + speed * 0.1
        log.info("epoch %d loss %.4f", epoch, loss / len(points))
        print("epoch %d/%d loss %.4f" % (epoch + 1, cfg.epochs, loss / len(points)))
    with open("model.txt", "w") as file:
        file.write("%s %.6f %.6f\n" % (cfg.model.name, slope, shift))


if __name__ == "__main__":
    main()
