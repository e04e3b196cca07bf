#!/usr/bin/env python3
"""compare.py LINES.jsonl...: what device_benchmark and peer.py measured as one Markdown table.

Times are medians in ms, from host memory to host memory and between arrays on the device; ratios above 1: ours is faster, or takes
less. Memory: ours is what the network took of the device, PyTorch's the peak of what its arrays took. Of a case that was measured
twice the last that went well counts. PyTorch has no bfloat16 arrays here: such a case of ours stands beside its float32, and says so.
"""
import json
import sys

COLUMNS = ("case", "ours, ms", "ours on the device", "floor, ms", "of the floor", "eager, ms", "times faster",
           "eager on the device", "times faster", "compiled, ms", "times faster", "compiled on the device", "times faster",
           "ours, MB", "planned, MB", "eager, MB", "times less", "compiled, MB")


def read(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines if line.strip()]


def number(x, digits=3):
    return "" if x is None else "%.*f" % (digits, x)


def over(a, b):
    return None if a is None or not b else a / b


def peer(ours, theirs):
    """Of one mode of PyTorch: its times with the ratios to ours."""
    text = []
    for key in ("ms", "device_ms"):
        ratio = over(theirs.get(key), ours.get(key))
        text += [number(theirs.get(key)), "" if ratio is None else "**%.2f**" % ratio]
    return tuple(text)


def row(ours, eager, compiled):
    """Of a case: three dictionaries, of which any may be empty."""
    ms = ours.get("ms")
    mb = lambda r, key: r[key] / 1e6 if key in r else None
    taken = mb(ours, "device_bytes")
    return ((number(ms), number(ours.get("device_ms")), number(ours.get("floor_ms")), number(over(ours.get("floor_ms"), ms), 2)) +
            peer(ours, eager) + peer(ours, compiled) +
            (number(taken, 0), number(mb(ours, "planned_bytes"), 0), number(mb(eager, "peak_bytes"), 0),
             number(over(mb(eager, "peak_bytes"), taken), 2), number(mb(compiled, "peak_bytes"), 0)))


def precision_of(line):
    return line.get("precision", "float32")


def table(lines):
    """Lines of both programs, in any order, as text."""
    devices = {r["device"]: r for r in lines if "device" in r}
    cases = {}
    for r in lines:
        if "case" in r:
            by = cases.setdefault((r["case"], precision_of(r)), {})
            if "problem" not in r or "problem" in by.get(r["by"], r):
                by[r["by"]] = r
    text = []
    for d in devices.values():
        text.append("%s: products %.1f TFLOP/s in float32, %.1f through TF32, %.1f in bfloat16; copies %.0f GB/s\n" %
                    (d["device"], d["float32_tflops"], d["tf32_tflops"], d["bfloat16_tflops"], d["copy_gb_s"]))
    versions = sorted({r["torch"] for r in lines if "torch" in r})
    if versions:
        text.append("PyTorch %s\n" % ", ".join(versions))
    text += ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for (name, precision), by in cases.items():
        theirs = by if precision != "bf16" else cases.get((name, "float32"), {})
        words = name if precision == "float32" else "%s, %s" % (name, precision)
        if precision == "bf16" and theirs:
            words += " against float32"
        text.append("| " + " | ".join((words,) + row(by.get("avss", {}), theirs.get("eager", {}), theirs.get("compiled", {}))) + " |")
    notes = []
    for (name, precision), by in cases.items():
        for who, r in by.items():
            if "problem" in r:
                notes.append("%s, %s, %s: %s" % (name, precision, who, r["problem"]))
            if r.get("cudagraph_skips") or r.get("graph_breaks"):
                notes.append("%s, %s, %s: %d graphs were not replayed, %d breaks" %
                             (name, precision, who, r.get("cudagraph_skips", 0), r.get("graph_breaks", 0)))
    return "\n".join(text + [""] * bool(notes) + notes)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    print(table([r for path in sys.argv[1:] for r in read(path)]))


if __name__ == "__main__":
    main()
