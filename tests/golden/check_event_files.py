"""Reads the event files of a run with TensorBoard's own reader and holds them against metrics.jsonl of the run.

    pip install tensorboard
    python check_event_files.py saved/RUN
"""

import io
import json
import struct
import sys
import wave
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2


def check(folder):
    run = EventAccumulator(str(folder), size_guidance={k: 0 for k in ("scalars", "audio", "images", "tensors")})
    run.Reload()
    tags = run.Tags()
    wanted = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        for key, value in row.items():
            if key not in ("step", "epoch", "partition") and value is not None:
                wanted.setdefault(f"{row['partition']}_{key}", []).append((row["step"], value))
    for tag, points in wanted.items():
        found = [(e.step, e.value) for e in run.Scalars(tag)]
        exact = [(s, struct.unpack("f", struct.pack("f", v))[0]) for s, v in points]
        assert found == exact, f"{tag}: {found} is not {exact}"
    steps = sorted({s for tag in tags["audio"] for s in (e.step for e in run.Audio(tag))})
    for tag in tags["audio"]:
        clips = run.Audio(tag)
        assert len({e.step for e in clips}) == len(clips), f"{tag}: doubled"
        for e in clips:
            with wave.open(io.BytesIO(e.encoded_audio_string)) as sound:
                assert sound.getframerate() == e.sample_rate and sound.getnframes() == e.length_frames, tag
        pictures = run.Images(tag + "_spectrogram")
        assert [p.step for p in pictures] == [e.step for e in clips], tag
        for p in pictures:
            assert struct.unpack(">II", p.encoded_image_string[16:24]) == (p.width, p.height), tag
    config = run.Tensors("config")[-1].tensor_proto.string_val[0].decode()
    assert config == "```yaml\n" + (folder / "config.yaml").read_text() + "```\n", "config"
    data = plugin_data_pb2.HParamsPluginData.FromString(
        run.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    )
    parameters = data.session_start_info.hparams
    print(
        f"{folder}: {len(wanted)} scalars with {sum(map(len, wanted.values()))} points, all equal to metrics.jsonl; "
        f"{len(tags['audio'])} sounds at steps {steps}, {len(tags['images'])} pictures, {len(parameters)} hyper-parameters"
    )


for name in sys.argv[1:]:
    check(Path(name))
