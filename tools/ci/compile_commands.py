#!/usr/bin/env python3
"""Writes compile_commands.json for clangd, from what bazel would run. Run it from the workspace root."""
import json
import subprocess

out = subprocess.run(["bazel", "aquery", "--output=jsonproto", "--noshow_progress", 'mnemonic("CppCompile", //...)'],
                     check=True, stdout=subprocess.PIPE).stdout
root = subprocess.run(["bazel", "info", "execution_root"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                      text=True).stdout.strip()
commands = {}
for action in json.loads(out)["actions"]:
    args = action["arguments"]
    src = args[args.index("-c") + 1]
    if not src.startswith("external/"):
        commands[src] = {"directory": root, "file": src, "arguments": args}
json.dump(list(commands.values()), open("compile_commands.json", "w"), indent=1)
print("compile_commands.json: %d files" % len(commands))
