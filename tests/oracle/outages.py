"""Outages of a topology in SimPy: an oracle that shares no code and no design with shockfront.

    python outages.py TOPOLOGY FAULT --trials N --seed S

reads a topology (shockfront/topology/v1) and a fault file (shockfront/fault/v1), follows every trial through time as SimPy
processes, and prints for every service the times it was down and impaired, in microseconds, over the trials in which there were
any. It was written from the specification of the semantics, not from the engine. Where the engine visits what it must and
repairs what changed, this recomputes the state of all services from nothing whenever anything happens.

What it does not model it refuses: operations, load, journeys, breakers, wrong data beyond the service that produces them.

The rules, in the order of the specification:

* failing shares combine as 1 - prod(1 - c), inside a cycle of live arcs without delay by maximum;
* whether a failure crosses, and how long a buffer lasts, is drawn once for each dependency and trial;
* a buffered arc conducts once its provider was impaired for longer than the buffer without a gap;
* a gate fires while more than n - k of its providers are lost, as badly as the (n - k + 1)-th worst;
* a fault is detected, then repaired or rolled back; a crashed service then waits for its startup providers and starts;
* crashed services that wait for each other in a circle are started by hand after a while;
* a restore tail harms users of the service but crosses no arc.
"""

import argparse
import json
import math
import random
import re
import sys

import simpy
import yaml

MINUTE = 60_000_000  # microseconds
Z95 = 1.6448536269514722
HORIZON = 72 * 60 * MINUTE
IMPAIRED, DOWN, SLOW = 0.01, 0.5, 1.5
HEALTHY = (0.0, 1.0, 0.0)  # failing share, latency multiplier, wrong share
# Order at the same time: causes (SimPy's own priorities 0 and 1), then the state that follows from them, then buffers, so that an
# outage that ends when the buffer does has ended.
SETTLE, EXPIRY = 5, 7

UNITS = {"ms": 1_000, "s": 1_000_000, "m": MINUTE, "h": 60 * MINUTE, "d": 24 * 60 * MINUTE}
# Detection, repair, roll-back by kind: (median, 95th percentile) in minutes.
CATALOGUE = {
    "crash": ((2, 10), (10, 60)),
    "error_rate": ((10, 60), (45, 240)),
    "latency": ((15, 90), (60, 300)),
    "bad_deploy": ((10, 60), (120, 600)),
    "zone_loss": ((3, 15), (120, 600)),
}
CRASHES = {"crash", "zone_loss"}
TAKES_SERVICE_TIMES = {"crash", "error_rate", "latency", "bad_deploy"}


def duration(text):
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(text))
    if "".join(number + unit for number, unit in parts) != str(text):
        raise SystemExit(f"not a duration: {text}")
    return round(sum(float(number) * UNITS[unit] for number, unit in parts))


class Law:
    """A constant, or a lognormal by median and 95th percentile."""

    def __init__(self, median, sigma=0.0):
        self.median, self.sigma = median, sigma

    @classmethod
    def read(cls, stated):
        if isinstance(stated, dict):
            median, p95 = duration(stated["median"]), duration(stated["p95"])
            return cls(median, math.log(p95 / median) / Z95)
        return cls(duration(stated))

    @classmethod
    def minutes(cls, median, p95):
        return cls(median * MINUTE, math.log(p95 / median) / Z95)

    def draw(self, rng):
        return round(self.median * math.exp(self.sigma * rng.gauss(0, 1))) if self.sigma else self.median


def only(what, entry, known):
    for key in entry:
        if key not in known:
            raise SystemExit(f"the oracle has no {key} of {what}")


class Service:
    def __init__(self, name, stated):
        only(name, stated, {"detect", "repair", "rollback", "cold_start", "restore_tail", "replicas", "groups", "requires"})
        self.name = name
        law = lambda key: Law.read(stated[key]) if key in stated else None
        self.detect, self.repair, self.rollback = law("detect"), law("repair"), law("rollback")
        self.cold_start, self.tail = law("cold_start") or Law(0), law("restore_tail") or Law(0)
        replicas = stated.get("replicas", {"count": 1, "need": 1})
        self.count, self.need = replicas["count"], replicas.get("need", 1)
        self.groups = stated.get("groups", [])
        self.gate = stated.get("requires")


class Arc:
    """A dependency through which errors and delay come."""

    DEFAULTS = {"hard": 0.67, "unknown": 0.67, "soft": 0.35, "async": 0.95, "authority": 1.0}

    def __init__(self, stated, index, services):
        known = {"from", "to", "kind", "probability", "share", "calls", "retries", "fallback", "buffer", "cache", "carries",
                 "transient", "wait_share"}
        name = f"{stated['from']} -> {stated['to']}"
        only(name, stated, known)
        self.consumer, self.provider = index[stated["from"]], index[stated["to"]]
        kind = stated.get("kind", "hard")
        fallback = stated.get("fallback", {})
        default = 0.05 if kind == "soft" and fallback.get("tested") else self.DEFAULTS[kind]
        self.p_errors = stated.get("probability", default)
        carries = stated.get("carries", ["errors", "latency"] if kind in ("hard", "soft", "unknown") else [])
        self.errors, self.latency = "errors" in carries, "latency" in carries
        if "data" in carries:
            raise SystemExit(f"{name} carries data")
        # Soft dependencies stop errors, not delay.
        self.p_latency = max(self.p_errors, 0.95) if kind == "soft" and self.errors else self.p_errors
        self.share, self.calls = stated.get("share", 1.0), stated.get("calls", 1)
        self.attempts = stated.get("retries", {}).get("attempts", 1)
        self.transient = stated.get("transient")
        self.replicated = services[self.provider].count > 1
        self.uncovered = 1.0 - fallback.get("coverage", 1.0)
        self.wait_share = stated.get("wait_share", 1.0)
        cache = stated.get("cache", {})
        self.buffer = Law.read(stated["buffer"]) if "buffer" in stated else None
        self.ramp = None
        if "serve_stale" in cache:
            self.buffer = Law.read(cache["serve_stale"])
        elif "ttl" in cache:
            self.ramp = duration(cache["ttl"])

    @property
    def delayed(self):
        return self.ramp is not None or self.buffer is not None


class Fault:
    def __init__(self, stated, model):
        only("a fault", stated, {"kind", "target", "at", "rate", "factor", "detect", "repair", "rollback", "cold_start",
                                 "restore_tail", "bootstrap"})
        self.kind, self.at = stated["kind"], duration(stated.get("at", "0m"))
        self.rate, self.factor = stated.get("rate"), stated.get("factor")
        if isinstance(self.rate, str):
            self.rate = float(self.rate.rstrip("%")) / 100
        law = lambda key: Law.read(stated[key]) if key in stated else None
        self.stated = {key: law(key) for key in ("detect", "repair", "rollback", "cold_start", "restore_tail")}
        self.bootstrap = law("bootstrap") or Law.minutes(30, 120)
        target = stated["target"]
        self.hit_chance, self.common = 1.0, []
        if target in model.groups:
            self.members = [at for at, service in enumerate(model.services) if target in service.groups]
            self.hit_chance = model.groups[target].get("hit", 1.0)
        else:
            self.members = [model.index[target]]
            for group in model.services[self.members[0]].groups:
                if model.groups[group].get("beta"):
                    others = [at for at, service in enumerate(model.services)
                              if group in service.groups and at != self.members[0]]
                    self.common.append((model.groups[group]["beta"], model.groups[group].get("hit", 1.0), others))
        self.pool = {at: model.failing_without_zone(at, target) for at in self.members} if self.kind == "zone_loss" else {}

    def draw_members(self, rng):
        while True:
            members = [at for at in self.members if rng.random() < self.hit_chance]
            if members:
                break
        for beta, hit, others in self.common:
            if rng.random() < beta:
                members += [at for at in others if rng.random() < hit]
        # A member that keeps the replicas it needs is not hit.
        return [at for at in members if self.pool.get(at, 1.0) > 0.0]

    def draw_harm(self, rng):
        """Failing share, latency multiplier, wrong share."""
        if self.kind in CRASHES:
            return 1.0, 1.0, 0.0
        channel = self.kind
        if channel == "bad_deploy":
            channel = rng.choices(["error_rate", "latency", "data"], weights=[60, 25, 15])[0]
        if channel == "error_rate":
            return (self.rate if self.rate is not None else rng.betavariate(2, 5)), 1.0, 0.0
        if channel == "latency":
            multiplier = self.factor if self.factor is not None else Law.minutes(5, 20).draw(rng) / MINUTE
            return 0.0, max(1.0, multiplier), 0.0
        return 0.0, 1.0, rng.betavariate(2, 5)

    def law(self, what, service):
        """The fault's own value, the service's, the catalogue's."""
        if what == "repair" and self.kind == "bad_deploy" and (self.stated["rollback"] or service.rollback):
            return self.stated["rollback"] or service.rollback
        if self.stated[what]:
            return self.stated[what]
        of_service = getattr(service, what) if self.kind in TAKES_SERVICE_TIMES else None
        return of_service or Law.minutes(*CATALOGUE[self.kind][what == "repair"])


class Model:
    def __init__(self, topology, faults):
        only("the topology", topology, {"schema", "name", "services", "dependencies", "groups"})
        self.services = [Service(name, stated or {}) for name, stated in topology["services"].items()]
        self.index = {service.name: at for at, service in enumerate(self.services)}
        self.groups = topology.get("groups", {})
        self.arcs, self.startup = [], {at: [] for at in range(len(self.services))}
        for stated in topology.get("dependencies", []):
            if stated.get("kind") == "startup":
                chance = stated.get("probability", 1.0)
                self.startup[self.index[stated["from"]]].append((self.index[stated["to"]], chance))
            else:
                self.arcs.append(Arc(stated, self.index, self.services))
        self.gates = {}
        for at, service in enumerate(self.services):
            if service.gate:
                of = [self.index[name] for name in service.gate["of"]]
                self.gates[at] = (of, len(of) - service.gate["at_least"])
        self.faults = [Fault(stated, self) for stated in faults["faults"]]
        if any(arc.ramp for arc in self.arcs) and any(fault.kind not in CRASHES for fault in self.faults):
            raise SystemExit("the oracle follows an expiring cache through total outages only")

    def failing_without_zone(self, at, zone):
        """Failing share of a service that lost one of its zones. Replicas are spread evenly; the zones that `groups` lists first
        take the rest."""
        service = self.services[at]
        zones = [name for name, group in self.groups.items() if group.get("kind") == "zone" and name in service.groups]
        even, rest = divmod(service.count, len(zones))
        lost = even + (zones.index(zone) < rest)
        return 1.0 if service.count - lost < service.need else 0.0


class Hit:
    """A service that a fault hits in a trial."""

    def __init__(self, env, fault, service, harm):
        self.fault, self.service, self.harm = fault, service, harm
        self.active = self.waiting = self.counts = False
        self.may_start = simpy.Event(env)


class Conduit:
    """An arc in one trial."""

    __slots__ = ("arc", "errors", "latency", "wait", "running", "version", "factor", "cycle")

    def __init__(self, arc, errors, latency, wait):
        self.arc, self.errors, self.latency, self.wait = arc, errors, latency, wait
        self.running, self.version, self.cycle = False, 0, False
        self.factor = 0.0 if arc.delayed else 1.0


class Trial:
    def __init__(self, model, rng):
        self.model, self.rng, self.env = model, rng, simpy.Environment()
        size = len(model.services)
        self.into, self.outof = [[] for _ in range(size)], [[] for _ in range(size)]
        for arc in model.arcs:
            uniform = rng.random()
            errors = arc.errors and uniform < arc.p_errors
            latency = arc.latency and uniform < arc.p_latency
            if errors or latency or (arc.errors and arc.uncovered > 0):
                wait = arc.buffer.draw(rng) if arc.buffer else 0
                conduit = Conduit(arc, errors, latency, wait)
                self.into[arc.consumer].append(conduit)
                self.outof[arc.provider].append(conduit)
        self.delayed = [conduit for conduits in self.outof for conduit in conduits if conduit.arc.delayed]
        self.startup = [[p for p, chance in needs if chance >= 1 or rng.random() < chance] for needs in model.startup.values()]
        self.mark_cycles()
        self.errors, self.slow, self.wrong = [0.0] * size, [1.0] * size, [0.0] * size
        self.tails, self.tail_version = [None] * size, [0] * size
        self.was = [HEALTHY] * size
        self.clocks = [[None, 0, None, 0] for _ in range(size)]  # impaired since, impaired time, down since, downtime
        self.settling = self.starting_by_hand = False
        self.hits_on = [[] for _ in range(size)]
        self.hits = []
        for fault in model.faults:
            self.env.process(self.incident(fault))

    def mark_cycles(self):
        """Marks live arcs without delay whose consumer leads back to their provider."""
        size = len(self.model.services)
        ahead = [[c.arc.consumer for c in self.outof[at] if not c.arc.delayed] for at in range(size)]
        for at in range(size):
            for conduit in self.outof[at]:
                if conduit.arc.delayed:
                    continue
                seen, stack = set(), [conduit.arc.consumer]
                while stack and at not in seen:
                    here = stack.pop()
                    if here not in seen:
                        seen.add(here)
                        stack += ahead[here]
                conduit.cycle = at in seen

    # Processes.

    def incident(self, fault):
        rng, env, services = self.rng, self.env, self.model.services
        hits = [Hit(env, fault, at, fault.draw_harm) for at in fault.draw_members(rng)]
        harm = fault.draw_harm(rng)
        for hit in hits:
            hit.harm = harm
            self.hits.append(hit)
            self.hits_on[hit.service].append(hit)
        if fault.at:
            yield env.timeout(fault.at)
        if not hits:
            return
        for hit in hits:
            hit.active = hit.counts = True
        self.touch()
        # One incident: it is noticed once, and one team repairs it.
        yield env.timeout(fault.law("detect", services[hits[0].service]).draw(rng))
        yield env.timeout(fault.law("repair", services[hits[0].service]).draw(rng))
        for hit in hits:
            env.process(self.recover(hit))

    def recover(self, hit):
        service, fault = self.model.services[hit.service], hit.fault
        if fault.kind in CRASHES:
            hit.waiting = True
            self.touch()
            yield hit.may_start
            hit.waiting = False
            cold = (fault.stated["cold_start"] or service.cold_start).draw(self.rng)
            if cold:
                yield self.env.timeout(cold)
        hit.active = False
        self.touch()
        tail = self.tail_law(hit.service).draw(self.rng)
        if tail:
            yield self.env.timeout(tail)
        hit.counts = False
        self.touch()

    def tail_law(self, at):
        stated = [hit.fault.stated["restore_tail"] for hit in self.hits_on[at] if hit.fault.stated["restore_tail"]]
        return stated[0] if stated else self.model.services[at].tail

    def start_by_hand(self, fault):
        self.starting_by_hand = True
        yield self.env.timeout(fault.bootstrap.draw(self.rng))
        self.starting_by_hand = False
        for hit in self.stuck():
            self.let_start(hit)

    def tail(self, at, wait):
        version = self.tail_version[at]
        yield self.env.timeout(wait)
        if self.tail_version[at] == version:
            self.tails[at] = None
            self.touch()

    # The state that follows from the causes.

    def touch(self):
        """Asks for the state to be worked out again, once everything of this time has happened."""
        if not self.settling:
            self.settling = True
            self.later(0, SETTLE, self.settle)

    def later(self, wait, priority, work):
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        event.callbacks.append(work)
        self.env.schedule(event, priority, wait)

    def settle(self, _=None):
        self.settling = False
        self.fixpoint()
        self.follow_buffers()
        self.record()
        self.follow_startup()

    def own(self, at):
        errors, slow, wrong = HEALTHY
        for hit in self.hits_on[at]:
            if hit.active:
                errors = 1 - (1 - errors) * (1 - hit.harm[0])
                slow = max(slow, hit.harm[1])
                wrong = 1 - (1 - wrong) * (1 - hit.harm[2])
        return errors, slow, wrong

    def fixpoint(self):
        """The least state that the causes and the conducting arcs explain: from healthy upwards."""
        size = len(self.model.services)
        self.errors, self.slow = [0.0] * size, [1.0] * size
        own = [self.own(at) if self.hits_on[at] else HEALTHY for at in range(size)]
        self.wrong = [wrong for _, _, wrong in own]
        concerned = [at for at in range(size) if self.hits_on[at] or self.into[at]]
        rising = True
        while rising:
            rising = False
            for at in concerned:
                errors, slow = self.state(at, own[at])
                if errors > self.errors[at] + 1e-12 or slow > self.slow[at] + 1e-12:
                    self.errors[at], self.slow[at] = errors, slow
                    rising = True

    def state(self, at, own):
        works, around, slow = 1.0 - own[0], 0.0, own[1]
        gate = self.model.gates.get(at)
        lost, lost_time = [], []
        for conduit in self.into[at]:
            if conduit.factor == 0.0:
                continue
            errors, latency = self.crossing(conduit)
            if gate and conduit.arc.provider in gate[0]:
                lost.append(errors)
                lost_time.append(latency)
                continue
            slow = max(slow, latency)
            if conduit.cycle:
                around = max(around, errors)
            else:
                works *= 1.0 - errors
        if gate:
            spare = gate[1]
            lost, lost_time = sorted(lost, reverse=True), sorted(lost_time, reverse=True)
            works *= 1.0 - (lost[spare] if len(lost) > spare else 0.0)
            slow = max(slow, lost_time[spare] if len(lost_time) > spare else 1.0)
        return max(1.0 - works, around), slow

    def crossing(self, conduit):
        arc, failing = conduit.arc, self.errors[conduit.arc.provider]
        errors = 0.0
        if failing and arc.errors:
            failing *= conduit.factor
            if arc.attempts > 1 and failing < 1.0:
                usual = arc.replicated and any(hit.active for hit in self.hits_on[arc.provider])
                transient = arc.transient if arc.transient is not None else float(usual)
                failing = transient * failing**arc.attempts + (1 - transient) * failing
            if arc.calls != 1:
                failing = 1 - (1 - failing) ** arc.calls
            errors = arc.share * failing * (1.0 if conduit.errors else arc.uncovered)
            if errors < IMPAIRED:
                errors = 0.0
        latency = 1.0 + arc.wait_share * (self.slow[arc.provider] - 1.0) if conduit.latency else 1.0
        return errors, latency

    def serves_badly(self, at):
        return self.errors[at] >= IMPAIRED or self.slow[at] >= SLOW

    def follow_buffers(self):
        for conduit in self.delayed:
            impaired = self.serves_badly(conduit.arc.provider)
            if impaired and not conduit.running:
                conduit.running, conduit.version = True, conduit.version + 1
                self.env.process(self.ramp(conduit) if conduit.arc.ramp else self.buffer(conduit))
            elif not impaired and conduit.running:
                conduit.running, conduit.factor, conduit.version = False, 0.0, conduit.version + 1

    def buffer(self, conduit):
        version = conduit.version
        yield self.expiry(conduit.wait)
        if conduit.version == version:
            conduit.factor = 1.0
            self.touch()

    def ramp(self, conduit):
        """Entries expire one by one; labels of a total outage change at a hundredth and at a half."""
        version, passed = conduit.version, 0
        for share in (0.01, 0.5, 1.0):
            edge = round(conduit.arc.ramp * share)
            yield self.expiry(edge - passed)
            passed = edge
            if conduit.version != version:
                return
            conduit.factor = share
            self.touch()

    def expiry(self, wait):
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        self.env.schedule(event, EXPIRY, wait)
        return event

    # Starting again.

    def let_start(self, hit):
        if not hit.may_start.triggered:
            hit.may_start.succeed()

    def blockers(self, hit):
        return [at for at in self.startup[hit.service] if self.errors[at] >= DOWN]

    def follow_startup(self):
        waiting = [hit for hit in self.hits if hit.waiting and not hit.may_start.triggered]
        for hit in waiting:
            if not self.blockers(hit):
                self.let_start(hit)
        if waiting and not self.starting_by_hand:
            stuck = self.stuck()
            if stuck:
                self.env.process(self.start_by_hand(stuck[0].fault))

    def stuck(self):
        """Hits that wait for themselves and for nothing that comes back without help."""
        waiting = {hit.service: hit for hit in self.hits if hit.waiting and not hit.may_start.triggered}
        stuck = []
        for hit in waiting.values():
            seen, stack, circle, hope = set(), self.blockers(hit), False, False
            while stack:
                at = stack.pop()
                circle |= at == hit.service
                if at in seen:
                    continue
                seen.add(at)
                hope |= any(other.active and (not other.waiting or other.may_start.triggered) for other in self.hits_on[at])
                if at in waiting:
                    stack += self.blockers(waiting[at])
                stack += [conduit.arc.provider for conduit in self.into[at] if self.errors[conduit.arc.provider] > 0]
            if circle and not hope:
                stuck.append(hit)
        return stuck

    # What users see.

    def record(self):
        now = self.env.now
        for at in range(len(self.model.services)):
            state = (self.errors[at], self.slow[at], self.wrong[at])
            if state == self.was[at] == HEALTHY and self.clocks[at][0] is None and not self.hits_on[at]:
                continue
            if is_impaired(state):
                self.tails[at] = None
                self.tail_version[at] += 1
            elif is_impaired(self.was[at]):
                wait = self.tail_law(at).draw(self.rng)
                if wait:
                    self.tails[at] = self.was[at]
                    self.tail_version[at] += 1
                    self.env.process(self.tail(at, wait))
            self.was[at] = state
            if self.tails[at]:
                state = self.tails[at]
            forced = any(hit.counts for hit in self.hits_on[at])
            self.clock(at, 0, forced or is_impaired(state), now)
            self.clock(at, 2, state[0] >= DOWN, now)

    def clock(self, at, which, on, now):
        clock = self.clocks[at]
        if on and clock[which] is None:
            clock[which] = now
        elif not on and clock[which] is not None:
            clock[which + 1] += now - clock[which]
            clock[which] = None

    def run(self):
        env = self.env
        while env.peek() < HORIZON:
            env.step()
        for at in range(len(self.model.services)):
            self.clock(at, 0, False, HORIZON)
            self.clock(at, 2, False, HORIZON)
        return self.clocks


def is_impaired(state):
    return state[0] >= IMPAIRED or state[1] >= SLOW or state[2] >= IMPAIRED


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("topology")
    parser.add_argument("fault")
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    model = Model(read(arguments.topology), read(arguments.fault))
    rng = random.Random(arguments.seed)
    result = {service.name: {"downtime": [], "impaired_time": []} for service in model.services}
    for _ in range(arguments.trials):
        for service, clocks in zip(result.values(), Trial(model, rng).run()):
            for times, which in (("impaired_time", 1), ("downtime", 3)):
                if clocks[which]:
                    service[times].append(clocks[which])
    json.dump({"trials": arguments.trials, "services": result}, sys.stdout)


if __name__ == "__main__":
    main()
