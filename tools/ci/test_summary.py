#!/usr/bin/env python3
"""Prints 'N passed, N failed, N skipped' for the test cases of one bazel run.

usage: bazel test --build_event_json_file=bep.json //... ; tools/ci/test_summary.py bep.json

Counts gtest cases, read from the test.xml files that the run itself names (bazel-testlogs also
holds old ones). A test without cases counts as one; so does one that crashed or timed out.
"""
import json
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET


def main(path):
    passed = failed = skipped = 0
    last_attempt = {}
    targets_skipped = 0
    for line in open(path, encoding="utf-8"):
        event = json.loads(line)
        ident = event.get("id", {})
        if "testResult" in ident and "testResult" in event:
            r = ident["testResult"]
            last_attempt[(r["label"], r.get("run", 1), r.get("shard", 0))] = event["testResult"]
        # an incompatible target (a CUDA test in a CPU build) is aborted with SKIPPED
        if event.get("aborted", {}).get("reason") == "SKIPPED" and "targetCompleted" in ident:
            targets_skipped += 1
    for (label, _, _), result in sorted(last_attempt.items()):
        cases = []
        for output in result.get("testActionOutput", []):
            if output["name"] == "test.xml" and output.get("uri", "").startswith("file://"):
                try:
                    with urllib.request.urlopen(output["uri"]) as f:
                        cases = [c for c in ET.parse(f).iter("testcase") if c.get("status") != "notrun"]
                except (ET.ParseError, OSError):
                    pass
        bad = sum(1 for c in cases if c.find("failure") is not None or c.find("error") is not None)
        skip = sum(1 for c in cases if c.find("skipped") is not None or c.get("result") == "skipped")
        if result["status"] not in ("PASSED", "FLAKY") and bad == 0:
            failed += 1  # crash, time-out, leak report: no case failed, the test did
            bad = 0
            print("%s: %s" % (label, result["status"]))
        if not cases and result["status"] in ("PASSED", "FLAKY"):
            passed += 1
        failed += bad
        skipped += skip
        passed += len(cases) - bad - skip
    if targets_skipped:
        print("targets skipped as incompatible (CUDA off): %d" % targets_skipped)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
