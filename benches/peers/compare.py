"""Alternating pairs of shockfront and PyNetIM on the same graph; called by `run`.

Time of shockfront is that of the whole process, start and reading included; time of PyNetIM is that of its simulation alone, so
the ratio is on the careful side. PyNetIM numbers nodes anew when an id never occurs and then reads seeds as the new numbers, so
ids are made dense here, and the means are compared: a wrong source would show at once.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

from pynetim import IMGraph, IndependentCascadeModel

# Reference for `mid` from source 802: mean reach and standard error over 20,000,256 trials, on which three independent
# implementations agree (a bit-parallel one with xoshiro256++, one with an AES counter, and a scalar search).
REFERENCE = (188.336, 0.01034)


def read(path):
    """Edges with dense ids, and the id of every name."""
    ids, edges, weights = {}, [], []
    with open(path) as file:
        for line in file:
            fields = line.split()
            if len(fields) < 3 or line.startswith("#") or fields[2] == "probability":
                continue
            edges.append((ids.setdefault(fields[0], len(ids)), ids.setdefault(fields[1], len(ids))))
            weights.append(float(fields[2]))
    return ids, edges, weights


def ours(binary, path, source, trials, seed):
    """Seconds of the whole process, mean reach, standard deviation of a trial."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.json")
        command = [binary, "simulate", path, "--fault", f"crash@{source}", "--static", "--threads", "1",
                   "--trials", str(trials), "--seed", str(seed), "--format", "json", "-o", out]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        with open(out) as file:
            reach = json.load(file)["reach"]
    mean = reach["mean"]
    if isinstance(mean, dict):
        mean = mean.get("mean", mean.get("estimate"))
    deviation = reach.get("standard_deviation", reach.get("sd"))
    if deviation is None:
        low, high = reach["interval"]
        deviation = (high - low) / 2 / 1.959964 * math.sqrt(trials)
    return seconds, mean, deviation


def theirs(model, trials, seed):
    """Seconds of the simulation, mean reach by the call and by the frequencies of the nodes."""
    start = time.perf_counter()
    mean = model.run_monte_carlo_diffusion(trials, seed, False, 1)
    frequency = model.get_activation_frequency()
    seconds = time.perf_counter() - start
    return seconds, mean, sum(frequency) / trials


def main():
    binary, graphs, trials, pairs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    made_here = os.path.exists(os.path.join(graphs, "generated"))
    path = os.path.join(graphs, "large.tsv")
    ids, edges, weights = read(path)
    # Without the known graph: the provider with the most consumers.
    source = "9491" if not made_here else statistics.mode(name for name in (e[0] for e in edges))
    if made_here:
        source = next(name for name, number in ids.items() if number == source)
    model = IndependentCascadeModel(IMGraph(edges, weights, True, False), {ids[source]}, record_activation_frequency=True)
    theirs(model, max(trials // 100, 1), 1)
    ratios, means = [], ([], [])
    for pair in range(pairs):
        # Who goes first changes from pair to pair.
        first = pair % 2 == 0
        if first:
            our = ours(binary, path, source, trials, pair + 1)
        their = theirs(model, trials, pair + 1)
        if not first:
            our = ours(binary, path, source, trials, pair + 1)
        ratios.append(their[0] / our[0])
        means[0].append(our[1])
        means[1].append(their[1])
        print(f"pair {pair + 1}: ours {trials / our[0]:,.0f} trials/s (mean {our[1]:.3f}), PyNetIM {trials / their[0]:,.0f} trials/s "
              f"(mean {their[1]:.3f}), ratio {ratios[-1]:.1f}", flush=True)
    # Both sample the same distribution, so our standard deviation serves for both.
    error = our[2] * math.sqrt(2 / (trials * pairs))
    z = (statistics.mean(means[0]) - statistics.mean(means[1])) / error
    print(f"large, source {source}, one thread: ratio {statistics.median(ratios):.1f} (median of {pairs} pairs, "
          f"{min(ratios):.1f} to {max(ratios):.1f}); means differ by z = {z:+.2f}")
    good = abs(z) < 4
    if not made_here:
        n = 4_000_000
        _, mean, deviation = ours(binary, os.path.join(graphs, "mid.tsv"), "802", n, 1)
        z = (mean - REFERENCE[0]) / math.hypot(REFERENCE[1], deviation / math.sqrt(n))
        print(f"mid, source 802: mean {mean:.3f} against the reference {REFERENCE[0]} ± {REFERENCE[1]:.4f}: z = {z:+.2f}")
        good = good and abs(z) < 4
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
