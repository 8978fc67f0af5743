#!/usr/bin/env bash
# Draws the icon for Windows (poolscope.ico, all sizes in one file) and for the window (poolscope.png) from poolscope.svg. Needs
# rsvg-convert and ImageMagick; run it after the drawing changed.
set -euo pipefail
cd "$(dirname "$0")"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for size in 16 20 24 32 40 48 64 128 256; do
    rsvg-convert --width "$size" --height "$size" poolscope.svg --output "$scratch/$size.png"
done
convert "$scratch"/{16,20,24,32,40,48,64,256}.png poolscope.ico
convert "$scratch/128.png" -strip PNG32:poolscope.png
