"""Makes the files that the fuzz targets start from: python make_corpus.py [FOLDER]. Needs soundfile for flac and ogg.

Small ones of every kind that the parsers know; those of npz, npy, safetensors, zip and PyTorch are those of
tests/golden/weights. What a fuzzer finds and what was mended goes into a folder as a file of its own.
"""
import math
import os
import struct
import sys

out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def put(name, data):
    os.makedirs(os.path.dirname(os.path.join(out, name)), exist_ok=True)
    with open(os.path.join(out, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def wav(tag, channels, bits, body, rate=8000, riff=b"RIFF", extra=b"", before=b""):
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits) + extra
    chunks = b"WAVE" + before + chunk(b"fmt ", form) + chunk(b"data", body)
    size = 0xFFFFFFFF if riff == b"RF64" else len(chunks)
    return riff + struct.pack("<I", size) + chunks


tone = [0.5 * math.sin(0.3 * i) for i in range(64)]
pcm16 = struct.pack("<64h", *(round(32767 * v) for v in tone))
pcm24 = b"".join(struct.pack("<i", round(8388607 * v))[:3] for v in tone)
real = struct.pack("<64f", *tone)
double = struct.pack("<64d", *tone)

put("audio/pcm16.wav", wav(1, 1, 16, pcm16))
put("audio/stereo.wav", wav(1, 2, 16, pcm16))
put("audio/pcm24.wav", wav(1, 1, 24, pcm24))
put("audio/float.wav", wav(3, 1, 32, real, 16000))
put("audio/double.wav", wav(3, 1, 64, double, 48000))
put("audio/mulaw.wav", wav(7, 1, 8, bytes(range(96, 160)), extra=struct.pack("<H", 0)))
guid = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
put("audio/extensible.wav", wav(0xFFFE, 1, 16, pcm16, extra=struct.pack("<HHIH", 22, 16, 4, 1) + guid))
put("audio/list.wav", wav(1, 1, 16, pcm16, before=chunk(b"LIST", b"INFOISFT\x06\x00\x00\x00test\x00\x00")))
ds64 = chunk(b"ds64", struct.pack("<QQQI", 4 + 36 + 24 + 136, 128, 64, 0))
put("audio/rf64.wav", wav(1, 1, 16, pcm16, riff=b"RF64", before=ds64))
put("audio/nan.wav", wav(3, 1, 32, real[:40] + struct.pack("<ff", math.nan, math.inf) + real[48:]))
put("audio/tone.au", b".snd" + struct.pack(">IIIII", 24, 128, 3, 8000, 1) + struct.pack(">64h", *(round(9999 * v) for v in tone)))
try:
    import soundfile
except ImportError:
    sys.exit("flac and ogg were not made: pip install soundfile")
long_tone = [0.5 * math.sin(0.3 * i) for i in range(512)]
for name, format, subtype in (("tone.flac", "FLAC", "PCM_16"), ("tone.ogg", "OGG", "VORBIS"), ("tone.aiff", "AIFF", "PCM_16")):
    soundfile.write(os.path.join(out, "audio", name), long_tone, 8000, format=format, subtype=subtype)

put("csv/plain.csv", "name,snr,speaker\na_b.wav,3.5,f\nc_d.wav,-1e-3,m\n")
put("csv/quoted.csv", '\ufeff"na""me","a, b"\r\n"two\r\nlines",1\r\n\r\n,""\r\n')
put("csv/one_column.csv", "x\n1\n\n2")
put("csv/mark_in_a_field.csv", b"\n\xef\xbb\xbf\xff\n")  # found: written, it was read without the mark
put("csv/uneven.csv", "a,b\n1\n")
put("csv/open_quote.csv", 'a,b\n1,"2\n')

put("json/object.json", '{"name": "a\\u00e9\\n\\ud83d\\ude00", "n": [0, -1.5e+10, 12], "t": true, "f": false, "z": null, "o": {}}')
put("json/string.json", '"\\"\\\\\\/\\b\\f\\n\\r\\t \u00e9 \U0001f600"')
put("json/deep.json", "[" * 30 + "]" * 30)
put("json/too_deep.json", "[" * 200 + "]" * 200)
put("json/tensors.json", '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}')
put("json/twice.json", '{"a":1,"a":2}')

put("yaml/config.yaml", "defaults:\n  - model: convtasnet\n  - _self_\na: {b: [1, 2.5, 'x'], c: ~}\nd: |\n  text\n  more\n")
put("yaml/anchors.yaml", 'a: &x {b: 1, <<: {c: 2}}\nd:\n  <<: [*x, *x]\n  e: "\\u00e9\\x41"\n')
put("yaml/lists.yaml", "- 1\n- - 2\n  - [3, {a: b}]\n")
put("yaml/scalars.yaml", "lr: 1e-3\nt: 1:30\no: 012\nh: 0x1F\ni: .inf\nn: .nan\nq: ${a.b}/${oc.env:HOME,x}\n")
