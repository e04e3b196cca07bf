"""Lets torch read what pytorch_writer_test wrote: python check_pytorch_writer.py FILE. Needs torch.

AVSS_PYTORCH_OUT=/tmp/a.pth ./bazelw test //tests/io:pytorch_writer_test --test_env=AVSS_PYTORCH_OUT
"""
import collections
import math
import os
import sys

import torch

golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights", "state_bare.pth")
assert torch.load(golden, weights_only=True)
for options in ({"weights_only": True}, {"weights_only": False}, {"weights_only": True, "mmap": True}):
    c = torch.load(sys.argv[1], **options)
    assert c["arch"] == "TinyNet" and c["epoch"] == 7 and c["name"] == "caf\u00e9"
    assert c["monitor_best"] == -math.inf
    assert c["integers"] == [0, 255, 256, -1, 1 << 31, -(1 << 31), -(1 << 63)]
    assert c["empty"] == [[], (), {}, collections.OrderedDict()] and isinstance(c["empty"][3], collections.OrderedDict)
    group = c["optimizer"]["param_groups"][0]
    assert group == {"lr": 5e-5, "betas": (0.9, 0.999), "amsgrad": False, "foreach": None, "params": [0, 1]}
    assert c["optimizer"]["state"][0]["step"].item() == 3.0
    state = c["state_dict"]
    assert isinstance(state, collections.OrderedDict) and len(state) == 20
    # The same tensors, as torch itself wrote them.
    types = dict(f64=torch.float64, f16=torch.float16, bf16=torch.bfloat16, i64=torch.int64, i32=torch.int32, i16=torch.int16,
                 i8=torch.int8, u8=torch.uint8, boolean=torch.bool)
    for name, dtype in types.items():
        assert state["types." + name].dtype == dtype, name
    assert state["cube"].shape == (4, 2, 3) and state["cube"].is_contiguous()
    assert state["scalar"].shape == () and state["scalar"].item() == -1.5
    assert state["empty"].shape == (3, 0)
    assert state["norm.num_batches_tracked"].item() == 41
    flat = torch.cat([state["rnn.first"].flatten(), state["rnn.second"].flatten()])
    assert torch.equal(state["turned"].t().flatten()[:18], flat)
    assert torch.equal(state["tied"], state["parameter"])
print("torch", torch.__version__, "reads", sys.argv[1])
