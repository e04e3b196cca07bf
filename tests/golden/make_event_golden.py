"""Writes events.bin: an event file made by TensorBoard's own library (tensorboard 2.x, without TensorFlow).

    pip install tensorboard
    python make_event_golden.py events.bin
"""

import struct
import sys

from google.protobuf import struct_pb2
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

WALL = 1700000000.25


def event(step, **what):
    return event_pb2.Event(wall_time=WALL + step, step=step, **what)


def plugin(name, content=b""):
    return summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name=name, content=content)
    )


def tensor(dtype, size, **values):
    t = tensor_pb2.TensorProto(dtype=dtype, **values)
    t.tensor_shape.dim.add(size=size)
    return t


def summary(*values):
    return {"summary": summary_pb2.Summary(value=values)}


def hparams(tag, data):
    return summary(
        summary_pb2.Summary.Value(
            tag=tag,
            tensor=tensor(types_pb2.DT_FLOAT, 0),
            metadata=plugin("hparams", data.SerializeToString(deterministic=True)),
        )
    )


def wav():
    samples = struct.pack("<4h", 0, 16384, -16384, 32767)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
        + b"data" + struct.pack("<I", len(samples)) + samples
    )


def main(path):
    value = summary_pb2.Summary.Value
    start = plugin_data_pb2.SessionStartInfo(group_name="run", start_time_secs=WALL)
    start.hparams["bool"].CopyFrom(struct_pb2.Value(bool_value=False))
    start.hparams["lr"].CopyFrom(struct_pb2.Value(number_value=0.001))
    start.hparams["model"].CopyFrom(struct_pb2.Value(string_value="größer"))
    end = plugin_data_pb2.SessionEndInfo(status=1, end_time_secs=WALL + 300)
    sound = summary_pb2.Summary.Audio(
        sample_rate=8000, num_channels=1, length_frames=4, encoded_audio_string=wav(), content_type="audio/wav"
    )
    picture = summary_pb2.Summary.Image(height=3, width=5, colorspace=3, encoded_image_string=b"\x89PNG not really")
    session = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    text = tensor(types_pb2.DT_STRING, 1, string_val=["a: 1\n".encode()])
    events = [
        event_pb2.Event(wall_time=WALL, file_version="brain.Event:2"),
        event(0, **summary(value(tag="config", tensor=text, metadata=plugin("text")))),
        event(0, **hparams("_hparams_/session_start_info", plugin_data_pb2.HParamsPluginData(session_start_info=start))),
        event(7, session_log=session),
        event(50, **summary(value(tag="train_loss", simple_value=-12.5), value(tag="train_lr", simple_value=0.0))),
        event(300, **summary(value(tag="val_1/mixture", audio=sound), value(tag="val_1/mixture_spectrogram", image=picture))),
        event(300, **hparams("_hparams_/session_end_info", plugin_data_pb2.HParamsPluginData(session_end_info=end))),
    ]
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for e in events:
            writer.write(e.SerializeToString(deterministic=True))
        writer.flush()


main(sys.argv[1])
