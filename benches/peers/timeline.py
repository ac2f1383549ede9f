"""The timeline against the same model in SimPy: one root is down for LN(20 min, 63 min), every dependency lets the failure through
with its probability after it has lasted LN(1 min, 2.3 min), and all are back with the root. Called by `run`.

Time of shockfront is that of the whole process; time of SimPy that of its simulation alone.
"""

import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import simpy

Z95 = 1.6448536269514722
OUR_TRIALS, THEIR_TRIALS, SOURCE = 262_144, 800, "802"


def lognormal(generator, median, p95):
    return median * math.exp(generator.gauss(0.0, 1.0) * math.log(p95 / median) / Z95)


def read(path):
    """Consumers of every provider, with probabilities."""
    consumers = {}
    with open(path) as file:
        for line in file:
            fields = line.split()
            if len(fields) == 3 and not line.startswith("#") and fields[2] != "probability":
                consumers.setdefault(fields[0], []).append((fields[1], float(fields[2])))
    return consumers


def trial(consumers, generator):
    """Services that went down, and the sum of their downtimes in minutes."""
    env = simpy.Environment()
    end = lognormal(generator, 20.0, 63.0)
    down = {}

    def attempt(service, wait):
        yield env.timeout(wait)
        if service not in down:
            env.process(fail(service))

    def fail(service):
        if service in down:
            return
        down[service] = env.now
        for consumer, probability in consumers.get(service, ()):
            if generator.random() < probability and consumer not in down:
                env.process(attempt(consumer, lognormal(generator, 1.0, 2.3)))
        yield env.timeout(0)

    env.process(fail(SOURCE))
    env.run(until=end)
    return len(down), sum(end - since for since in down.values())


def ours(binary, path, seed):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.json")
        command = [binary, "simulate", path, "--fault", f"crash@s{SOURCE},detect=0m,repair=20m/63m", "--threads", "1", "--trials",
                   str(OUR_TRIALS), "--seed", str(seed), "--services", "reached", "--format", "json", "-o", out]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        with open(out) as file:
            result = json.load(file)
    return seconds, result["reach"]["mean"], sum(service["downtime"]["mean"] for service in result["services"])


def write_topology(consumers, path):
    """The same graph in our format, buffers included."""
    arcs = [(provider, consumer, p) for provider, all_of in consumers.items() for consumer, p in all_of]
    names = sorted({name for arc in arcs for name in arc[:2]}, key=int)
    with open(path, "w") as file:
        json.dump({
            "schema": "shockfront/topology/v1",
            "name": "mid",
            "services": {f"s{name}": {} for name in names},
            "dependencies": [
                {"from": f"s{consumer}", "to": f"s{provider}", "kind": "hard", "probability": p,
                 "buffer": {"median": "1m", "p95": "2.3m"}} for provider, consumer, p in arcs],
        }, file)


def main():
    binary, graphs, pairs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    consumers = read(os.path.join(graphs, "mid.tsv"))
    ratios, reaches, downtimes, found = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mid.json")
        write_topology(consumers, path)
        for pair in range(pairs):
            our = ours(binary, path, pair + 1)
            generator = random.Random(pair + 1)
            start = time.perf_counter()
            results = [trial(consumers, generator) for _ in range(THEIR_TRIALS)]
            seconds = time.perf_counter() - start
            reaches += [reach for reach, _ in results]
            downtimes += [downtime for _, downtime in results]
            found.append(our[1:])
            rates = OUR_TRIALS / our[0], THEIR_TRIALS / seconds
            ratios.append(rates[0] / rates[1])
            print(f"timeline, pair {pair + 1}: ours {rates[0]:,.0f} trials/s, SimPy {rates[1]:,.0f} trials/s, ratio {ratios[-1]:.0f}",
                  flush=True)
    good = True
    for what, theirs, at in (("reach", reaches, 0), ("downtime of all services", downtimes, 1)):
        mean = statistics.mean(our[at] for our in found)
        error = statistics.stdev(theirs) / math.sqrt(len(theirs))
        z = (mean - statistics.mean(theirs)) / error
        good = good and abs(z) < 4
        print(f"timeline, {what}: {mean:.2f} against {statistics.mean(theirs):.2f} ± {error:.2f} of SimPy: z = {z:+.2f}")
    print(f"timeline on mid, one thread: ratio {statistics.median(ratios):.0f} (median of {pairs} pairs, {min(ratios):.0f} to "
          f"{max(ratios):.0f})")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
