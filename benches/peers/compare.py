"""Alternating pairs of shockfront and PyNetIM on the same graph; called by `run`.

Time of shockfront is that of the whole process, start and reading included (`huge`: the simulation alone, as the difference to a
run of one batch, because reading takes longer than 4,096 trials; eight times as many are run, so that the difference stands out of
the noise of reading); time of PyNetIM is that of its simulation alone, so the ratio is
on the careful side. Rates are compared, so each side runs as many trials as it can in a few seconds. PyNetIM numbers nodes anew
when an id never occurs and then reads seeds as the new numbers, so ids are made dense here, and the means are compared: a wrong
source would show at once.
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
# Graph: source, our trials, their trials.
WORK = {"mid": ("802", 4_000_000, 200_000), "large": ("9491", 1_000_000, 40_000), "huge": ("824241", 32_768, 128)}
BATCH = 512


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


def ours(binary, path, source, trials, seed, threads=1):
    """Seconds of the whole process, mean reach, standard deviation of a trial."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.json")
        command = [binary, "simulate", path, "--fault", f"crash@{source}", "--static", "--threads", str(threads), "--services",
                   "reached", "--trials", str(trials), "--seed", str(seed), "--format", "json", "-o", out]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        with open(out) as file:
            reach = json.load(file)["reach"]
    return seconds, reach["mean"], reach["standard_deviation"]


def our_seconds(binary, name, path, source, trials, seed):
    """Seconds for the trials, and what they found."""
    result = ours(binary, path, source, trials, seed)
    if name != "huge":
        return result
    idle = ours(binary, path, source, BATCH, seed)[0]
    return (result[0] - idle) * trials / (trials - BATCH), *result[1:]


# A process begins with what its parent holds, and that counts as its own peak: so a parent that holds nothing asks.
ASK_PEAK = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def seconds_and_peak(command):
    """Seconds of a whole process, and the most memory that it held, in MB."""
    found = subprocess.run([sys.executable, "-c", ASK_PEAK, *command], check=True, stdout=subprocess.PIPE, text=True).stdout
    return tuple(map(float, found.split()))


def memory(binary, path, name, source):
    """Prints what one process needs: reading and compiling, and a run on one thread and on two."""
    seconds, peak = seconds_and_peak([binary, "check", path])
    print(f"{name}: read, compiled and linted in {seconds:.2f} s with {peak:,.0f} MB")
    for threads in (1, 2):
        command = [binary, "simulate", path, "--fault", f"crash@{source}", "--static", "--threads", str(threads), "--services", "reached",
                   "--trials", "4096", "--format", "json"]
        seconds, peak = seconds_and_peak(command)
        print(f"{name}: 4,096 trials on {threads} thread{'s' if threads > 1 else ''}, the whole process: {seconds:.2f} s with {peak:,.0f} MB")


def theirs(model, trials, seed):
    """Seconds of the simulation with the frequencies of all nodes, mean reach."""
    start = time.perf_counter()
    mean = model.run_monte_carlo_diffusion(trials, seed, False, 1)
    # The frequencies add up over all runs of a model, so they are fetched, not read.
    model.get_activation_frequency()
    return time.perf_counter() - start, mean


def compare(binary, graphs, name, pairs, source):
    """Prints pairs; true when the means agree."""
    path = os.path.join(graphs, f"{name}.tsv")
    _, our_trials, their_trials = WORK[name]
    ids, edges, weights = read(path)
    if source is None:
        # Without the known graph: the provider with the most consumers.
        busiest = statistics.mode(edge[0] for edge in edges)
        source = next(known for known, number in ids.items() if number == busiest)
    model = IndependentCascadeModel(IMGraph(edges, weights, True, False), {ids[source]}, record_activation_frequency=True)
    theirs(model, max(their_trials // 100, 1), 1)
    ratios, means, deviation = [], ([], []), 0.0
    for pair in range(pairs):
        # Who goes first changes from pair to pair.
        turns = [lambda: our_seconds(binary, name, path, source, our_trials, pair + 1), lambda: theirs(model, their_trials, pair + 1)]
        if pair % 2 == 0:
            our, their = turns[0](), turns[1]()
        else:
            their, our = turns[1](), turns[0]()
        rates = our_trials / our[0], their_trials / their[0]
        ratios.append(rates[0] / rates[1])
        means[0].append(our[1])
        means[1].append(their[1])
        deviation = our[2]
        print(f"{name}, pair {pair + 1}: ours {rates[0]:,.0f} trials/s (mean {our[1]:.3f}), PyNetIM {rates[1]:,.0f} trials/s "
              f"(mean {their[1]:.3f}), ratio {ratios[-1]:.1f}", flush=True)
    # Both sample the same distribution, so our standard deviation serves for both.
    error = deviation * math.sqrt(1 / (our_trials * pairs) + 1 / (their_trials * pairs))
    z = (statistics.mean(means[0]) - statistics.mean(means[1])) / error
    print(f"{name}, source {source}, one thread: ratio {statistics.median(ratios):.1f} (median of {pairs} pairs, "
          f"{min(ratios):.1f} to {max(ratios):.1f}); means differ by z = {z:+.2f}", flush=True)
    memory(binary, path, name, source)
    return abs(z) < 4


def main():
    binary, graphs, pairs, names = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
    made_here = {name for name in names if os.path.exists(os.path.join(graphs, f"{name}.generated"))}
    good = True
    for name in names:
        good = compare(binary, graphs, name, pairs, None if name in made_here else WORK[name][0]) and good
    if "mid" in names and "mid" not in made_here:
        n = 20_000_000
        _, mean, deviation = ours(binary, os.path.join(graphs, "mid.tsv"), "802", n, 1)
        z = (mean - REFERENCE[0]) / math.hypot(REFERENCE[1], deviation / math.sqrt(n))
        print(f"mid, source 802: mean {mean:.3f} against the reference {REFERENCE[0]} ± {REFERENCE[1]:.4f}: z = {z:+.2f}")
        good = good and abs(z) < 4
    if "large" in names and "large" not in made_here:
        path, trials = os.path.join(graphs, "large.tsv"), 2_000_000
        scaling = []
        for pair in range(pairs):
            one, two = (ours(binary, path, "9491", trials, 1, threads)[0] for threads in (1, 2))
            scaling.append(one / two)
        print(f"large, second thread: {statistics.median(scaling):.2f} times (median of {pairs}, {min(scaling):.2f} to {max(scaling):.2f})")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
