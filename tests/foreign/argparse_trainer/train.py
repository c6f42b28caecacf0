from __future__ import print_function

import argparse
import csv
import os
import sys

import numpy as np

import digits
from model import Net


def train(args, net, images, labels, epoch, rng):
    order = rng.permutation(len(labels))
    batches = np.array_split(order, max(1, len(labels) // args.batch_size))
    total = 0.0
    for i, batch in enumerate(batches, 1):
        total += net.step(images[batch], labels[batch], args.lr)
        if i % args.log_interval == 0 or i == len(batches):
            done = 100 * i // len(batches)
            bar = "#" * (done // 5)
            sys.stderr.write(
                "\rEpoch {}: {:3d}%|{:<20}| {}/{} [loss={:.4f}]".format(
                    epoch, done, bar, i, len(batches), total / i
                )
            )
            sys.stderr.flush()
    sys.stderr.write("\n")
    return total / len(batches)


def main():
    parser = argparse.ArgumentParser(description="Digits example")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N")
    parser.add_argument("--epochs", type=int, default=3, metavar="N")
    parser.add_argument("--lr", type=float, default=0.5, metavar="LR")
    parser.add_argument("--no-cuda", action="store_true", default=False)
    parser.add_argument("--dry-run", action="store_true", default=False)
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--log-interval", type=int, default=2, metavar="N")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    images, labels = digits.load(2000, seed=1)
    net = Net(images.shape[1], digits.CLASSES, rng)

    os.makedirs("checkpoints", exist_ok=True)
    if not os.path.isdir("results"):
        os.mkdir("results")
    with open(os.path.join("results", "log.csv"), "w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["epoch", "loss"])
        for epoch in range(1, args.epochs + 1):
            loss = train(args, net, images, labels, epoch, rng)
            print("Train Epoch: {}\tLoss: {:.6f}".format(epoch, loss))
            log.writerow([epoch, "%.6f" % loss])
            if args.dry_run:
                break
    np.savez("checkpoints/model.npz", w=net.w, b=net.b)
    print("saved to checkpoints/model.npz")


if __name__ == "__main__":
    main()
