#!/usr/bin/env python3
"""image_files.py: writes tests/data/images, one small file of each kind that data sets hold, and its table pixels.txt:
name, width, height and FNV-1a hash of the RGB bytes that OpenCV reads from it, by which tests/unit/image/test_image_formats.c
judges our decoders. Where ours are only near to it (AVIF, HEIC), what OpenCV reads is in reference/NAME.png.

Needs Debian's libjpeg-turbo-progs (CJPEG=/usr/bin/cjpeg) and
    pip install opencv-python-headless==5.0.0.93 Pillow==13.0.0 pillow-heif==1.8.1 tifffile imagecodecs
HEIC, which OpenCV does not read, is judged by pillow-heif. Three kinds OpenCV 5.0 reads otherwise than their standards say,
so they are judged by the scene itself: TIFF in tiles without compression (refused), TIFF in tiles with orientations 2, 3,
6 and 7 (each tile is mirrored in its place), AVIF with turns (left unturned).
"""
import io
import os
import pathlib
import struct
import subprocess
import zlib

import cv2
import numpy as np
import pillow_heif
import tifffile
from PIL import Image

OUT = pathlib.Path(os.environ.get("OUT", pathlib.Path(__file__).parents[2] / "tests/data/images"))
CJPEG = os.environ.get("CJPEG", "cjpeg")
W, H = 29, 21


def scene(w=W, h=H):
    """Gradients, edges and a little noise: no turn or mirror maps it to itself."""
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([255 * x / (w - 1), 255 * y / (h - 1), 128 + 90 * np.sin(x / 3.0 + y / 5.0)], -1)
    rgb[3:9, 4:12] = (230, 30, 40)
    rgb[11:18, 17:26] = (20, 60, 220)
    rgb[: h // 4, w // 2:] += 40
    rgb += np.random.default_rng(7).normal(0, 4, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)


RGB = scene()
GREY = RGB[..., 1].copy()
ALPHA = np.clip(RGB[..., 0].astype(int) + 20, 0, 255).astype(np.uint8)
ALPHA[:5, :5] = 0
RGBA = np.dstack([RGB, ALPHA])
RGB16 = RGB.astype(np.uint16) * 257 - (RGB > 127) * np.uint16(100)


def put(name, data):
    (OUT / name).write_bytes(data)


def pil(name, image, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(OUT / name, **options)


def exif(orientation, little=False):
    order = "<" if little else ">"
    return ((b"II*\0" if little else b"MM\0*") +
            struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0))


# ---- PNG ----

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels, extra=b"", late=b""):
    """8 or 16 bits; grey, RGB or RGBA."""
    h, w = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    depth = 8 * pixels.dtype.itemsize
    rows = b"".join(b"\0" + row.astype(">u2" if depth == 16 else "u1").tobytes() for row in pixels)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)) +
            extra + chunk(b"IDAT", zlib.compress(rows, 9)) + late + chunk(b"IEND", b""))


def png_files():
    for orientation in range(1, 9):
        put(f"exif{orientation}.png", png(RGB, chunk(b"eXIf", exif(orientation, orientation % 2 == 0))))
    put("exif-late.png", png(RGB, late=chunk(b"eXIf", exif(6))))
    put("rgb16.png", png(RGB16))
    put("grey16.png", png(RGB16[..., 1]))
    put("rgba.png", png(RGBA))
    put("twelve-bits.png", png(RGB16 >> 4))


# ---- BMP, by hand: no writer makes these ----

def bmp(w, h, bits, data, compression=0, colours=b"", masks=b"", header=40):
    info = struct.pack("<IiiHHIIiiII", header, w, h, 1, bits, compression, len(data), 2835, 2835,
                       len(colours) // 4 if bits <= 8 else 0, 0)
    if header > 40:
        info += (masks + bytes(16))[:16] + b"BGRs" + bytes(header - 60)
        masks = b""
    offset = 14 + len(info) + len(masks) + len(colours)
    return struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset) + info + masks + colours + data


def rows_of(pixels, bits, flip=True):
    """Rows from the bottom, each padded to four bytes."""
    out = b""
    for row in pixels[::-1] if flip else pixels:
        if bits >= 16:
            data = row.tobytes()
        else:
            text = "".join(format(int(v), f"0{bits}b") for v in row)
            text += "0" * (-len(text) % 8)
            data = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        out += data + bytes(-len(data) % 4)
    return out


def palette(n):
    return b"".join(bytes([(37 * i) % 256, (91 * i + 20) % 256, 255 - (53 * i) % 256, 0]) for i in range(n))


def rle(pixels, bits):
    """Runs, absolute stretches and a jump, each at least once."""
    per = 8 // bits
    out = b""
    for number, row in enumerate(pixels[::-1]):
        x = 0
        while x < len(row):
            run = 1
            while x + run < len(row) and run < 255 and row[x + run] == row[x]:
                run += 1
            if run > 2:
                value = int(row[x])
                out += bytes([run, value if bits == 8 else value << 4 | value])
                x += run
                continue
            stretch = min(7, len(row) - x)
            if stretch < 3:
                for v in row[x:]:
                    out += bytes([1, int(v) if bits == 8 else int(v) << 4])
                break
            data = bytes(int(v) for v in row[x:x + stretch]) if bits == 8 else bytes(
                int(row[x + i]) << 4 | (int(row[x + i + 1]) if i + 1 < stretch else 0) for i in range(0, stretch, per))
            out += bytes([0, stretch]) + data + bytes(len(data) % 2)
            x += stretch
        out += b"\0\0"
    return out + b"\0\1"


def bmp_files():
    bgr = RGB[..., ::-1].copy()
    indices = (RGB[..., 0] // 8).astype(np.uint8)
    flat = np.repeat(RGB[:, ::4, 0] // 16, 4, axis=1)[:, :W].astype(np.uint8)
    flat[2] = np.arange(W) % 16
    put("bottom-up.bmp", bmp(W, H, 24, rows_of(bgr, 24)))
    put("top-down.bmp", bmp(W, -H, 24, rows_of(bgr, 24, False)))
    bgrx = np.dstack([bgr, ALPHA])
    put("bits32.bmp", bmp(W, H, 32, rows_of(bgrx, 32)))
    put("bits32-top-down.bmp", bmp(W, -H, 32, rows_of(bgrx, 32, False)))
    put("bits32-v5.bmp", bmp(W, H, 32, rows_of(bgrx, 32), 3, masks=struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000), header=124))
    put("bits8.bmp", bmp(W, H, 8, rows_of(indices, 8), colours=palette(32)))
    put("bits8-top-down.bmp", bmp(W, -H, 8, rows_of(indices, 8, False), colours=palette(32)))
    put("bits4.bmp", bmp(W, H, 4, rows_of(flat, 4), colours=palette(16)))
    put("bits1.bmp", bmp(W, H, 1, rows_of(indices > 15, 1), colours=palette(2)))
    put("rle8.bmp", bmp(W, H, 8, rle(flat * 2, 8), 1, palette(32)))
    put("rle4.bmp", bmp(W, H, 4, rle(flat, 4), 2, palette(16)))
    skipping = (b"\3\5\0\0" + b"\0\2\4\2" + b"\5\7" + b"\0\0" + b"\2\1\0\4\1\2\3\4" + b"\0\1")
    put("rle8-skips.bmp", bmp(W, H, 8, skipping, 1, palette(32)))
    values = RGB.astype(np.uint16)
    r, g, b = values[..., 0], values[..., 1], values[..., 2]
    put("bits16-555.bmp", bmp(W, H, 16, rows_of((r >> 3) << 10 | (g >> 3) << 5 | b >> 3, 16)))
    in565 = (r >> 3) << 11 | (g >> 2) << 5 | b >> 3
    put("bits16-565.bmp", bmp(W, H, 16, rows_of(in565, 16), 3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)))
    core = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + 12 + 96) + struct.pack("<IHHHH", 12, W, H, 1, 8)
    put("os2.bmp", core + b"".join(palette(32)[4 * i:4 * i + 3] for i in range(32)) + rows_of(indices, 8))


# ---- JPEG ----

def cjpeg(name, *options, pixels=RGB):
    ppm = f"P6 {pixels.shape[1]} {pixels.shape[0]} 255\n".encode() + pixels.tobytes()
    put(name, subprocess.run([CJPEG, *options], input=ppm, stdout=subprocess.PIPE, check=True).stdout)


def jpeg_files():
    cjpeg("baseline.jpg", "-quality", "85")
    cjpeg("progressive.jpg", "-quality", "85", "-progressive")
    cjpeg("arithmetic.jpg", "-quality", "85", "-arithmetic")
    cjpeg("arithmetic-progressive.jpg", "-quality", "85", "-arithmetic", "-progressive")
    cmyk = Image.fromarray(np.dstack([255 - RGB, GREY // 2]), "CMYK")
    pil("cmyk.jpg", cmyk, quality=90)
    data = io.BytesIO()
    cmyk.save(data, "JPEG", quality=90)
    raw = data.getvalue()
    at = raw.index(b"\xff\xee")
    put("ycck.jpg", raw[:at + 15] + b"\2" + raw[at + 16:])  # the transform byte of Adobe's segment
    put("cmyk-without-adobe.jpg", raw[:at] + raw[at + 16:])


# ---- WebP ----

def webp_with(data, orientation, prefix=b""):
    """The extended form around a plain file, with an EXIF chunk behind the pixels."""
    body = data[12:]
    note = prefix + exif(orientation)
    chunk_of = b"EXIF" + struct.pack("<I", len(note)) + note + bytes(len(note) % 2)
    extended = b"VP8X" + struct.pack("<IB3x", 10, 8) + struct.pack("<I", W - 1)[:3] + struct.pack("<I", H - 1)[:3]
    riff = b"WEBP" + extended + body + chunk_of
    return b"RIFF" + struct.pack("<I", len(riff)) + riff


def webp_files():
    pil("lossy.webp", RGB, quality=80, method=6)
    pil("lossless.webp", RGB, lossless=True, method=6)
    pil("lossless-alpha.webp", RGBA, lossless=True, exact=True)
    pil("lossy-alpha.webp", RGBA, quality=80)
    plain = (OUT / "lossless.webp").read_bytes()
    for orientation in (2, 3, 5, 6, 8):
        put(f"exif{orientation}.webp", webp_with(plain, orientation))
    put("exif6-prefix.webp", webp_with(plain, 6, b"Exif\0\0"))
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    pil("animated.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True, duration=100)
    frames = [Image.fromarray(RGBA), Image.fromarray(RGBA[::-1].copy())]
    pil("animated-alpha.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True, exact=True, duration=100)


# ---- TIFF ----

def tiff(name, pixels, **options):
    tifffile.imwrite(OUT / name, pixels, metadata=None, software=False, **options)


def oriented(name, orientation, pixels, **options):
    tiff(name, pixels, extratags=[(274, 3, 1, orientation, True)], **options)


def tiff_files():
    tiff("rgb.tif", RGB, photometric="rgb", rowsperstrip=8)
    tiff("big-endian.tif", RGB, photometric="rgb", byteorder=">")
    tiff("bigtiff.tif", RGB, photometric="rgb", bigtiff=True)
    tiff("lzw.tif", RGB, photometric="rgb", compression="lzw", predictor=True)
    tiff("deflate.tif", RGB, photometric="rgb", compression="zlib", rowsperstrip=5)
    tiff("packbits.tif", RGB, photometric="rgb", compression="packbits")
    tiff("tiled.tif", RGB, photometric="rgb", tile=(16, 16), compression="zlib")
    tiff("planar.tif", np.moveaxis(RGB, -1, 0).copy(), photometric="rgb", planarconfig="separate")
    tiff("grey.tif", GREY, photometric="minisblack")
    tiff("grey-white.tif", GREY, photometric="miniswhite")
    tiff("bilevel.tif", GREY > 127, photometric="minisblack")
    tiff("bilevel-white.tif", GREY > 127, photometric="miniswhite")
    pil("fax4.tif", Image.fromarray(GREY).convert("1"), compression="group4")
    tiff("palette.tif", GREY, photometric="palette",
         colormap=np.stack([(np.arange(256) * k % 256 * 257).astype(np.uint16) for k in (1, 3, 7)]))
    tiff("rgba.tif", RGBA, photometric="rgb", extrasamples=["unassalpha"])
    tiff("rgba-associated.tif", RGBA, photometric="rgb", extrasamples=["assocalpha"])
    tiff("rgbx.tif", RGBA, photometric="rgb", extrasamples=["unspecified"])
    tiff("grey-alpha.tif", np.dstack([GREY, ALPHA]), photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
    tiff("cmyk.tif", np.dstack([255 - RGB, GREY // 2]), photometric="separated")
    tiff("ycbcr-jpeg.tif", RGB, photometric="rgb", compression="jpeg")
    pil("jpeg.tif", RGB, compression="jpeg", quality=85)
    tiff("grey16.tif", RGB16[..., 1].copy(), photometric="minisblack")
    tiff("grey16-white.tif", RGB16[..., 1].copy(), photometric="miniswhite")
    tiff("rgb16.tif", RGB16, photometric="rgb")
    tiff("rgb16-big-endian.tif", RGB16, photometric="rgb", byteorder=">", compression="lzw", predictor=True)
    tiff("rgb16-tiled.tif", RGB16, photometric="rgb", tile=(16, 16), compression="zlib")
    tiff("rgb16-planar.tif", np.moveaxis(RGB16, -1, 0).copy(), photometric="rgb", planarconfig="separate")
    tiff("rgba16.tif", np.dstack([RGB16, ALPHA.astype(np.uint16) * 257]), photometric="rgb", extrasamples=["unassalpha"])
    tiff("twelve-bits.tif", RGB16 >> 4, photometric="rgb")
    tiff("float.tif", RGB.astype(np.float32) / 255, photometric="rgb")
    tiff("signed16.tif", RGB16.astype(np.int16), photometric="rgb")
    tiff("uint32.tif", GREY.astype(np.uint32) << 24, photometric="minisblack")
    tifffile.imwrite(OUT / "pages.tif", np.stack([RGB, RGB[::-1]]), photometric="rgb", metadata=None, software=False)
    for orientation in range(2, 9):
        oriented(f"orientation{orientation}.tif", orientation, RGB, photometric="rgb", rowsperstrip=8)
        oriented(f"orientation{orientation}-16.tif", orientation, RGB16, photometric="rgb")
    oriented("orientation6-tiled.tif", 6, RGB, photometric="rgb", tile=(16, 16), compression="zlib")
    oriented("orientation7-grey.tif", 7, GREY, photometric="minisblack")
    tiff("tiled-plain.tif", RGB, photometric="rgb", tile=(16, 16))  # OpenCV fails on tiles without compression


# ---- AVIF, HEIC ----

def heif_files():
    pil("444.avif", RGB, quality=80, subsampling="4:4:4")
    pil("420.avif", RGB, quality=80, subsampling="4:2:0")
    pil("422.avif", RGB, quality=80, subsampling="4:2:2")
    pil("grey.avif", RGB, quality=80, subsampling="4:0:0")
    pil("limited.avif", RGB, quality=80, range="limited")
    pil("alpha.avif", RGBA, quality=80)
    for bits in (10, 12):
        _, data = cv2.imencode(".avif", RGB[..., ::-1].astype(np.uint16) << (bits - 8),
                               [cv2.IMWRITE_AVIF_QUALITY, 80, cv2.IMWRITE_AVIF_DEPTH, bits])
        put(f"depth{bits}.avif", data.tobytes())
    for orientation in (3, 5, 6):
        pil(f"exif{orientation}.avif", RGB, quality=80, subsampling="4:4:4", exif=b"Exif\0\0" + exif(orientation))
    for name, options in (("420.heic", {"chroma": 420}), ("444.heic", {"chroma": 444})):
        pillow_heif.from_pillow(Image.fromarray(RGB)).save(OUT / name, quality=80, **options)
    pillow_heif.from_pillow(Image.fromarray(RGBA)).save(OUT / "alpha.heic", quality=80)
    turned = Image.fromarray(RGB)
    turned.getexif()[0x0112] = 6
    pillow_heif.from_pillow(turned).save(OUT / "exif6.heic", quality=80, chroma=444)


def gif_files():
    paletted = Image.fromarray(RGB).quantize(32)
    pil("plain.gif", paletted)
    pil("animated.gif", paletted, save_all=True, append_images=[paletted.transpose(Image.Transpose.FLIP_TOP_BOTTOM)], duration=100)
    pil("transparent.gif", paletted, transparency=3)


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


TURNS = {"exif3.avif": lambda rgb: rgb[::-1, ::-1], "exif5.avif": lambda rgb: rgb.transpose(1, 0, 2),
         "exif6.avif": lambda rgb: rgb[::-1].transpose(1, 0, 2)}


def read(path):
    """RGB as the reference reads it, or None."""
    if path.name == "tiled-plain.tif":
        return RGB
    if path.name == "orientation6-tiled.tif":
        return TURNS["exif6.avif"](RGB)
    if path.suffix == ".heic":
        return np.asarray(pillow_heif.open_heif(path).to_pillow().convert("RGB"))
    data = np.frombuffer(path.read_bytes(), np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)  # imread refuses TIFF of orientations 5 to 8
    return None if bgr is None else TURNS.get(path.name, lambda rgb: rgb)(bgr[..., ::-1])


def main():
    (OUT / "reference").mkdir(parents=True, exist_ok=True)
    png_files()
    bmp_files()
    jpeg_files()
    webp_files()
    tiff_files()
    heif_files()
    gif_files()
    with open(OUT / "pixels.txt", "w") as table:
        table.write("# file, width, height, hash of the RGB bytes; made by tools/oracle/image_files.py\n")
        for path in sorted(OUT.iterdir()):
            if path.suffix == ".txt" or path.is_dir():
                continue
            rgb = read(path)
            row = "refused" if rgb is None else f"{rgb.shape[1]} {rgb.shape[0]} {fnv(rgb.tobytes()):016x}"
            table.write(f"{path.name} {row}\n")
            if path.suffix in (".avif", ".heic"):
                put(f"reference/{path.name}.png", png(np.ascontiguousarray(rgb)))
            if os.environ.get("RAW") and rgb is not None:
                pathlib.Path(os.environ["RAW"], path.name + ".rgb").write_bytes(rgb.tobytes())


if __name__ == "__main__":
    main()
