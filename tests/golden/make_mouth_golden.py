#!/usr/bin/env python3
"""Writes mouths.npz: landmarks of real films and where their mouths are cut out, by OpenCV, scikit-image and numpy.

Run with dlib 20.0.1, opencv-python-headless 5.0.0, scikit-image 0.26.0, numpy (pip) and dlib's model of 68 landmarks
(Debian's libdlib-data):

    python3 make_mouth_golden.py FILM...             # writes mouths.npz beside this script
    python3 make_mouth_golden.py --compare DIR FILM...   # against //tools:crop_mouths' DIR with crop_mouths.landmarks=true

Films are read by OpenCV; in every frame faces are searched anew in the whole picture, in colour, and given to people by where
they are: nothing is tracked. Films have 25 frames a second. For each person NAME:
  NAME.landmarks  int16 [frames, 68, 2]    NAME.seen  uint8 [frames]; those between are interpolated, as float64 they are exact
  NAME.current, NAME.legacy  float32 [frames, 8]: the transform's a, b, dx, dy; the mouth's centre x, y; the crop's left, top
  NAME.opencv     float32 [frames, 4]: a, b, dx, dy by cv2.estimateAffinePartial2D(LMEDS)
and of a picture of noise: picture uint8 [H, W], and for the first frames of the first person, moved into it, what
cv2.warpAffine and skimage.transform.warp make: warp.current, warp.legacy uint8 [4, 96, 96].
Only numbers are stored, no pixel of any film.
"""
import itertools
import pathlib
import sys

import cv2
import dlib
import numpy as np
from skimage import transform as tf

MODEL = "/usr/share/dlib/shape_predictor_68_face_landmarks.dat"
FRAMES = 60  # of each film kept in the file
STABLE = {28: (128.489, 106.925), 33: (128.870, 137.303), 36: (92.522, 94.369), 39: (112.772, 94.944),
          42: (145.525, 94.535), 45: (166.677, 93.566), 48: (107.168, 157.196), 54: (152.193, 156.987)}
CURRENT = (28, 33, 36, 39, 42, 45, 48, 54)
LEGACY = (33, 36, 39, 42, 45)


def faces_of(film):
    """For each person from left to right [frames] of (68, 2) or None."""
    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(MODEL)
    video, frames = cv2.VideoCapture(str(film)), []
    while True:
        ok, picture = video.read()
        if not ok:
            break
        rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        found = []
        boxes, scores, _ = detector.run(rgb, 0, -0.2)
        for box, score in zip(boxes, scores):
            shape = predictor(rgb, box)
            found.append((box.center().x / rgb.shape[1], score, np.array([(p.x, p.y) for p in shape.parts()])))
        frames.append(found)
    people = 1 if max(sum(s > 0 for _, s, _ in f) for f in frames) == 1 else 2
    tracks = []
    for i in range(people):
        mine = [[f for f in found if people == 1 or (f[0] > 0.5) == (i == 1)] for found in frames]
        tracks.append([max(f, key=lambda x: x[1])[2] if f else None for f in mine])
    return tracks


def interpolated(track):
    seen = [t for t, x in enumerate(track) if x is not None]
    stacked = np.array([track[t] for t in seen], float).reshape(len(seen), -1)
    ts = np.arange(len(track))
    return np.stack([np.interp(ts, seen, stacked[:, i]) for i in range(136)], 1).reshape(-1, 68, 2), seen


def similarity(src, dst):
    """Least squares of a, b, dx, dy, by numpy's solver."""
    a = np.zeros((2 * len(src), 4))
    a[0::2] = np.stack([src[:, 0], -src[:, 1], np.ones(len(src)), np.zeros(len(src))], 1)
    a[1::2] = np.stack([src[:, 1], src[:, 0], np.zeros(len(src)), np.ones(len(src))], 1)
    return np.linalg.lstsq(a, dst.reshape(-1), rcond=None)[0]


def apply(s, p):
    return np.stack([s[0] * p[:, 0] - s[1] * p[:, 1] + s[2], s[1] * p[:, 0] + s[0] * p[:, 1] + s[3]], 1)


def least_median(src, dst):
    best = None
    for pair in itertools.combinations(range(len(src)), 2):
        s = similarity(src[list(pair)], dst[list(pair)])
        squares = ((apply(s, src) - dst) ** 2).sum(1)
        if best is None or np.median(squares) < best[0]:
            best = np.median(squares), squares
    sigma = max(2.5 * 1.4826 * (1 + 5 / (len(src) - 2)) * best[0] ** 0.5, 0.001)
    inside = best[1] <= sigma**2
    return similarity(src[inside], dst[inside])


def row(s, points):
    c = apply(s, points)[48:].mean(0)
    corner = np.round(np.clip(c, 48, 256 - 48)) - 48
    return [*s, *c, *corner]


def current(all_points):
    rows, opencv, n = [], [], len(all_points)
    dst = np.array([STABLE[i] for i in CURRENT])
    for t in range(n):
        w = min(12 // 2, t, n - 1 - t)
        smooth = all_points[t - w:t + w + 1].mean(0)
        smooth = smooth + all_points[t].mean(0) - smooth.mean(0)
        rows.append(row(least_median(smooth[list(CURRENT)], dst), smooth))
        m, _ = cv2.estimateAffinePartial2D(smooth[list(CURRENT)], dst, method=cv2.LMEDS)
        opencv.append(row([m[0, 0], m[1, 0], m[0, 2], m[1, 2]], smooth))
    return np.array(rows), np.array(opencv)


def legacy(all_points):
    rows, n, window = [], len(all_points), min(12, len(all_points))
    dst = np.array([STABLE[i] for i in LEGACY])
    for t in range(n):
        if t + window <= n:
            found = tf.SimilarityTransform.from_estimate(all_points[t:t + window].mean(0)[list(LEGACY)], dst).params
            s = np.array([found[0, 0], found[1, 0], found[0, 2], found[1, 2]])
        rows.append(row(s, all_points[t]))
    return np.array(rows)


def matrix(s):
    return np.array([[s[0], -s[1], s[2]], [s[1], s[0], s[3]]], float)


def warps(picture, rows, by_opencv):
    crops = []
    for r in rows:
        if by_opencv:
            full = cv2.warpAffine(picture, matrix(r), (256, 256), flags=cv2.INTER_LINEAR, borderValue=0)
        else:
            m = tf.SimilarityTransform(matrix=np.vstack([matrix(r), [0, 0, 1]]))
            full = (tf.warp(picture, m.inverse, output_shape=(256, 256)) * 255).astype(np.uint8)
        x, y = int(r[6]), int(r[7])
        crops.append(full[y:y + 96, x:x + 96])
    return np.array(crops)


def names(film, tracks):
    stem = pathlib.Path(film).stem
    return [stem] if len(tracks) == 1 else [f"{stem}_{i + 1}" for i in range(len(tracks))]


def write(films):
    out = {}
    for film in films:
        tracks = faces_of(film)
        for name, track in zip(names(film, tracks), tracks):
            track = track[:FRAMES]
            points, seen = interpolated(track)
            out[name + ".landmarks"] = np.array([np.zeros((68, 2)) if x is None else x for x in track]).astype(np.int16)
            out[name + ".seen"] = np.isin(np.arange(len(track)), seen).astype(np.uint8)
            rows, opencv = current(points)
            out[name + ".current"], out[name + ".opencv"] = rows.astype(np.float32), opencv[:, :4].astype(np.float32)
            out[name + ".legacy"] = legacy(points).astype(np.float32)
            print(name, len(track), "frames,", len(seen), "seen", flush=True)
    state, noise = 1, np.zeros(150 * 200, np.uint8)
    for i in range(noise.size):
        state = (state * 1664525 + 1013904223) % 2**32
        noise[i] = state >> 24
    picture = cv2.GaussianBlur(noise.reshape(150, 200), (5, 5), 1.5)
    out["picture"] = picture
    first = next(iter(out))[:-len(".landmarks")]
    points = out[first + ".landmarks"][:20].astype(float)
    points = points - points[0].mean(0) + (100, 60)  # partly outside, so that the border is seen
    rows = current(points)[0][[0, 6, 12, 19]], legacy(points)[[0, 6, 12, 19]]
    out["warp.rows"] = np.stack(rows)
    out["warp.current"], out["warp.legacy"] = warps(picture, rows[0], True), warps(picture, rows[1], False)
    np.savez_compressed(pathlib.Path(__file__).parent / "mouths.npz", **out)


def compare(folder, films):
    """Distances of the crops' centres, in pixels of the crops, by landmarks found and procedures run independently."""
    for film in films:
        tracks = faces_of(film)
        for name, track in zip(names(film, tracks), tracks):
            points, seen = interpolated(track)
            rows, opencv = current(points)
            theirs = np.load(pathlib.Path(folder) / "landmarks" / (name + ".npz"))
            where = theirs["centres"]  # of the crops, in the film's pixels
            distance = []
            for t, r in enumerate(opencv[:len(where)]):
                distance.append(np.hypot(*(apply(r[:4], where[t][None])[0] - (r[6:] + 48))))
            d, n = np.array(distance), len(distance)
            raw = np.linalg.norm(theirs["data"][:n] - points[:n], axis=2).mean(1) * np.hypot(opencv[:n, 0], opencv[:n, 1])
            print(f"{name}: {n} frames, {len(seen)} seen; centres apart: median {np.median(d):.2f}, "
                  f"95 % {np.percentile(d, 95):.2f}, most {d.max():.2f}, within 2: {np.mean(d <= 2):.1%}; landmarks: median {np.median(raw):.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"]:
        compare(sys.argv[2], sys.argv[3:])
    else:
        write(sys.argv[1:])
