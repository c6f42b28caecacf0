import argparse
import json

import numpy as np

import digits
from model import Net

REPORT = "results/report.json"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", default="checkpoints/model.npz")
    parser.add_argument("--test-size", type=int, default=500)
    args = parser.parse_args()

    saved = np.load(args.checkpoint)
    images, labels = digits.load(args.test_size, seed=2)
    net = Net(images.shape[1], digits.CLASSES, np.random.default_rng(0))
    net.w, net.b = saved["w"], saved["b"]
    accuracy = float((net.forward(images).argmax(axis=1) == labels).mean())
    with open(REPORT, "w") as file:
        json.dump({"accuracy": accuracy, "n": args.test_size}, file)
    print("Test set: Accuracy: {:.1f}%".format(100 * accuracy))


if __name__ == "__main__":
    main()
