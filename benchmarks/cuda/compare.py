#!/usr/bin/env python3
"""compare.py OURS.jsonl [PEER.jsonl]: what device_benchmark and peer.py measured as one Markdown table.

Times are medians from host memory to host memory, in ms; ratios above 1: ours is faster, or takes less. Memory: ours is what the
network took of the device, PyTorch's the peak of what its arrays took.
"""
import json
import sys

COLUMNS = ("case", "ours, ms", "on the device", "floor, ms", "of the floor", "eager, ms", "times faster", "compiled, ms", "times faster",
           "ours, MB", "planned, MB", "eager, MB", "ratio", "compiled, MB")


def read(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines if line.strip()]


def number(x, digits=3):
    return "" if x is None else "%.*f" % (digits, x)


def over(a, b):
    return None if a is None or not b else a / b


def row(ours, eager, compiled):
    """Of a case: three dictionaries, of which any may be empty."""
    ms = ours.get("ms")
    mb = lambda r, key: r[key] / 1e6 if key in r else None
    faster = lambda r: "" if over(r.get("ms"), ms) is None else "**%.2f**" % over(r["ms"], ms)
    taken = mb(ours, "device_bytes")
    return (number(ms), number(ours.get("device_ms")), number(ours.get("floor_ms")), number(over(ours.get("floor_ms"), ms), 2),
            number(eager.get("ms")), faster(eager), number(compiled.get("ms")), faster(compiled), number(taken, 0),
            number(mb(ours, "planned_bytes"), 0), number(mb(eager, "peak_bytes"), 0), number(over(taken, mb(eager, "peak_bytes")), 2),
            number(mb(compiled, "peak_bytes"), 0))


def table(lines):
    """Lines of both files, in any order, as text."""
    devices = [r for r in lines if "device" in r]
    cases = {}
    for r in lines:
        if "case" in r:
            cases.setdefault(r["case"], {})[r["by"]] = r
    text = []
    for d in devices:
        text.append("%s: products %.1f TFLOP/s in float32, %.1f through TF32, %.1f in bfloat16; copies %.0f GB/s\n" %
                    (d["device"], d["float32_tflops"], d["tf32_tflops"], d["bfloat16_tflops"], d["copy_gb_s"]))
    versions = sorted({r["torch"] for r in lines if "torch" in r})
    if versions:
        text.append("PyTorch %s\n" % ", ".join(versions))
    text.append("Precision: %s\n" % ", ".join(sorted({r.get("precision", "float32") for r in lines if "case" in r})))
    text += ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for name, by in cases.items():
        text.append("| " + " | ".join((name,) + row(*(by.get(who, {}) for who in ("avss", "eager", "compiled")))) + " |")
    missing = ["%s, %s: %s" % (r["case"], r["by"], r["problem"]) for r in lines if "problem" in r]
    return "\n".join(text + [""] * bool(missing) + missing)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    print(table([r for path in sys.argv[1:] for r in read(path)]))


if __name__ == "__main__":
    main()
