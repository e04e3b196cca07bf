#!/usr/bin/env bash
# Does the network listen by the lips? rtfsnet_small learns a few mixtures by heart; then their voices are taken out, once with
# the right faces and once with the two videos of each mixture exchanged, which must exchange the voices:
#   bash benchmarks/overfit_mixtures.sh DATA OUT [epochs of 100 batches of 5 items]
# DATA holds audio/train/{mix,s1,s2}/ID1_ID2.wav and mouths/ID.npz; OUT is a new folder. The encoder is a drawn one.
set -euo pipefail
if (($# < 2)); then
  echo "usage: bash benchmarks/overfit_mixtures.sh DATA OUT [epochs]" >&2
  exit 2
fi
data=$(realpath -m -- "$1") out=$(realpath -m -- "$2") epochs=${3:-8}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for part in audio/train/mix audio/train/s1 audio/train/s2 mouths; do
  if [[ ! -d $data/$part ]]; then
    echo "overfit_mixtures: $data/$part is no folder; DATA must hold audio/train/{mix,s1,s2} and mouths" >&2
    exit 1
  fi
done
if [[ -e $out ]]; then
  echo "overfit_mixtures: $out is there already; choose a new folder" >&2
  exit 1
fi
mkdir -p -- "$out" "$out/data" "$out/data/audio" "$out/exchanged"
# Learned and validated on the same mixtures: links, so that DATA stays as it is.
ln -s "$data/audio/train" "$out/data/audio/train"
ln -s "$data/audio/train" "$out/data/audio/val"
ln -s "$data/mouths" "$out/data/mouths"

./bazelw run //tools:embed -- video_encoder.dataset_path="$out/data" video_encoder.random_seed=1
for mixture in "$out"/data/audio/val/mix/*; do
  name=$(basename "${mixture%.*}") # ID1_ID2
  ln -s "$out/data/video_embeddings/${name#*_}.pt" "$out/exchanged/${name%_*}.pt"
  ln -s "$out/data/video_embeddings/${name%_*}.pt" "$out/exchanged/${name#*_}.pt"
done

./bazelw run //tools:train -- -cn=train_rtfsnet model=rtfsnet_small datasets.train.dataset_path="$out/data" \
  dataloader.batch_size=5 trainer.save_dir="$out/saved" writer.run_name=overfit trainer.epoch_len=100 \
  trainer.n_epochs="$epochs" trainer.dropout=false lr_scheduler.max_lr=3e-3 trainer.save_period=0
for faces in data/video_embeddings exchanged; do
  echo "=== faces: $faces"
  ./bazelw run //tools:infer -- -cn=inf_rtfsnet model=rtfsnet_small video_encoder=lrw datasets.inf.dataset_path="$out/data" \
    datasets.inf.partition=val inferencer.embeddings="$out/$faces" \
    inferencer.from_pretrained="$out/saved/overfit/model_best.pth" inferencer.save_path="$out/voices_$(basename "$faces")"
done
