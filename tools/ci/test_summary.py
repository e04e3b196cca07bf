#!/usr/bin/env python3
"""Prints 'N passed, N failed, N skipped' for the test cases of one or more bazel runs.

usage: bazel test --build_event_json_file=bep.json //... ; tools/ci/test_summary.py bep.json...

Counts gtest cases, read from the test.xml files that the run itself names (bazel-testlogs also
holds old ones). A test without cases counts as one; so does one that crashed, timed out or was
not built.
"""
import json
import sys
import urllib.request
import xml.etree.ElementTree as ET


def test_cases(result):
    for output in result.get("testActionOutput", []):
        if output["name"] == "test.xml" and output.get("uri", "").startswith("file://"):
            try:
                with urllib.request.urlopen(output["uri"]) as f:
                    return [c for c in ET.parse(f).iter("testcase") if c.get("status") != "notrun"]
            except (ET.ParseError, OSError):
                pass
    return []


def count(path):
    passed = failed = skipped = incompatible = 0
    last_attempt = {}
    tests = set()
    not_made = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            ident = event.get("id", {})
            if "testResult" in ident and "testResult" in event:
                r = ident["testResult"]
                last_attempt[(r["label"], r.get("run", 1), r.get("shard", 0))] = event["testResult"]
            if "targetConfigured" in ident and event.get("configured", {}).get("testSize"):
                tests.add(ident["targetConfigured"]["label"])
            if "targetCompleted" in ident:
                label = ident["targetCompleted"]["label"]
                # an incompatible target (a CUDA test in a CPU build) is aborted with SKIPPED
                if event.get("aborted", {}).get("reason") == "SKIPPED":
                    incompatible += 1
                elif not event.get("completed", {}).get("success"):
                    not_made[label] = True
    ran = {label for label, _, _ in last_attempt}
    for label in sorted(tests & set(not_made) - ran):
        failed += 1
        print("%s: NOT BUILT" % label)
    for (label, _, _), result in sorted(last_attempt.items()):
        cases = test_cases(result)
        good = result["status"] in ("PASSED", "FLAKY")
        bad = sum(1 for c in cases if c.find("failure") is not None or c.find("error") is not None)
        skip = sum(1 for c in cases if c.find("skipped") is not None or c.get("result") == "skipped")
        if not good and bad == 0:
            failed += 1  # crash, time-out, leak report: no case failed, the test did
            print("%s: %s" % (label, result["status"]))
        if good and not cases:
            passed += 1
        failed += bad
        skipped += skip
        passed += len(cases) - bad - skip
    return passed, failed, skipped, incompatible


def main(paths):
    passed = failed = skipped = incompatible = 0
    for path in paths:
        try:
            p, f, s, i = count(path)
        except (OSError, ValueError) as e:
            print("%s: the run left no readable record: %s" % (path, e))
            p, f, s, i = 0, 1, 0, 0
        passed, failed, skipped, incompatible = passed + p, failed + f, skipped + s, incompatible + i
    if incompatible:
        print("targets skipped as incompatible (CUDA off): %d" % incompatible)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
