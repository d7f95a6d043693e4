/* jpeg_check.c: walks the segments of a JPEG (ITU T.81 annex B) and refuses what the decoder would trust blindly.
 *
 * stb_image writes past its tables when a DHT segment announces more than 256 codes, and reads past them when a scan
 * names a table that was never defined. So both are checked here, over exactly the bytes that it gets afterwards:
 * anything after the first end marker is cut off, and a marker it does not know refuses the file. In entropy-coded
 * data FF is followed by 00, a restart marker or a fill byte; any other pair is the next marker.
 */
#include "image/jpeg_check.h"

#include "image/exif.h"

#include <string.h>

enum marker {
    SOF0 = 0xC0,
    SOF2 = 0xC2,
    SOF3 = 0xC3,
    DHT = 0xC4,
    SOF9 = 0xC9,
    SOF10 = 0xCA,
    DAC = 0xCC,
    SOF15 = 0xCF,
    RST0 = 0xD0,
    RST7 = 0xD7,
    SOI = 0xD8,
    EOI = 0xD9,
    SOS = 0xDA,
    DQT = 0xDB,
    DNL = 0xDC,
    DRI = 0xDD,
    APP0 = 0xE0,
    APP1 = 0xE1,
    APP15 = 0xEF,
    COM = 0xFE
};
enum {
    MAX_COMPONENTS = 4,
    TABLES = 4,
    MAX_CODES = 256,
    MAX_SCANS = 500 /* each costs the decoder the whole image */
};

typedef struct walker {
    const uint8_t *data;
    size_t bytes, at;
    bool has_frame;
    int components, scans;
    uint8_t ids[MAX_COMPONENTS];
    bool tables[2][TABLES]; /* [DC, AC] defined so far */
    yti_jpeg *out;
    const char *reason;
} walker;

/* A segment without its marker and length. */
typedef struct segment {
    const uint8_t *data;
    size_t bytes;
} segment;

/* Where the first segment begins: after the start marker, which may have fill bytes in front as any marker
 * (B.1.1.2), and which the decoder then takes for one. 0: no JPEG. */
static size_t first_segment(const uint8_t *data, size_t bytes) {
    size_t at = 0;
    while (at < bytes && data[at] == 0xFF) at++;
    return at > 0 && at < bytes && data[at] == SOI ? at + 1 : 0;
}

bool yti_is_jpeg(const uint8_t *data, size_t bytes) {
    return first_segment(data, bytes) > 0;
}

static bool refuse(walker *w, const char *reason) {
    w->reason = reason;
    return false;
}

static int get16(const uint8_t *p) {
    return p[0] << 8 | p[1];
}

static bool check_frame(walker *w, int marker, segment s) {
    if (w->has_frame) return refuse(w, "two frame headers");
    if (s.bytes < 6) return refuse(w, "a frame header that is too short");
    if (s.data[0] == 12) return refuse(w, "12 bits per channel; only 8 are read");
    if (s.data[0] != 8) return refuse(w, "not 8 bits per channel");
    w->components = s.data[5];
    if (w->components < 1 || w->components > MAX_COMPONENTS || s.bytes != 6 + 3 * (size_t)w->components)
        return refuse(w, "a frame header of the wrong length");
    for (int i = 0; i < w->components; i++) w->ids[i] = s.data[6 + 3 * i];
    w->out->h = get16(s.data + 1);
    w->out->w = get16(s.data + 3);
    w->out->components = w->components;
    w->has_frame = true;
    w->out->progressive = marker == SOF2 || marker == SOF10;
    w->out->arithmetic = marker == SOF9 || marker == SOF10;
    return true;
}

/* Huffman tables: each a byte of class and number, 16 counts and as many symbols as they sum to. */
static bool check_tables(walker *w, segment s) {
    while (s.bytes > 0) {
        if (s.bytes < 17) return refuse(w, "a Huffman table that is too short");
        int class_of = s.data[0] >> 4, number = s.data[0] & 15;
        size_t codes = 0;
        for (int i = 1; i <= 16; i++) codes += s.data[i];
        if (class_of > 1 || number >= TABLES || codes > MAX_CODES || codes > s.bytes - 17)
            return refuse(w, "an impossible Huffman table");
        w->tables[class_of][number] = true;
        s = (segment){s.data + 17 + codes, s.bytes - 17 - codes};
    }
    return true;
}

static bool is_component(const walker *w, uint8_t id) {
    return memchr(w->ids, id, (size_t)w->components) != NULL;
}

/* The tables that a scan names must have been defined. */
static bool check_scan(walker *w, segment s) {
    if (!w->has_frame) return refuse(w, "a scan before the frame header");
    size_t count = s.bytes ? s.data[0] : 0;
    if (count < 1 || count > (size_t)w->components || s.bytes != 4 + 2 * count)
        return refuse(w, "a scan header of the wrong length");
    if (++w->scans > MAX_SCANS) return refuse(w, "more scans than any writer makes");
    bool progressive = w->out->progressive, huffman = !w->out->arithmetic;
    bool uses_dc = huffman && (!progressive || s.data[1 + 2 * count] == 0);
    bool uses_ac = huffman && (!progressive || !uses_dc);
    for (size_t i = 0; i < count; i++) {
        uint8_t id = s.data[1 + 2 * i];
        int dc = s.data[2 + 2 * i] >> 4, ac = s.data[2 + 2 * i] & 15;
        if (!is_component(w, id) || dc >= TABLES || ac >= TABLES) return refuse(w, "an impossible scan header");
        if ((uses_dc && !w->tables[0][dc]) || (uses_ac && !w->tables[1][ac]))
            return refuse(w, "a scan without its Huffman table");
    }
    w->out->has_scan = true;
    return true;
}

/* Moves to the next marker after entropy-coded data; false: there is none. */
static bool skip_entropy(walker *w) {
    while (w->bytes - w->at >= 2) {
        uint8_t next = w->data[w->at + 1];
        if (w->data[w->at] != 0xFF)
            w->at++;
        else if (next == 0x00 || (next >= RST0 && next <= RST7))
            w->at += 2;
        else if (next == 0xFF)
            w->at++;
        else
            return true;
    }
    w->at = w->bytes;
    return false;
}

/* SOF1 to SOF15, without DHT, DAC and a reserved one, say how the image is coded. */
static bool is_frame(int marker) {
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != DAC && marker != 0xC8;
}

static bool check_segment(walker *w, int marker, segment s) {
    if ((marker >= SOF0 && marker <= SOF2) || marker == SOF9 || marker == SOF10) return check_frame(w, marker, s);
    if (is_frame(marker))
        return refuse(w, marker == SOF3 || marker == 0xCB ? "lossless coding, which is not supported"
                                                          : "hierarchical coding, which is not supported");
    if (marker == DHT) return check_tables(w, s);
    if (marker == SOS) return check_scan(w, s);
    if (marker == APP1 && w->out->orientation == 0) w->out->orientation = yti_exif_orientation(s.data, s.bytes);
    bool known = (marker >= APP0 && marker <= APP15) || marker == COM || marker == DQT || marker == DRI ||
                 marker == DNL || marker == DAC;
    return known || refuse(w, "a kind of JPEG that is not supported");
}

enum step { GO_ON, DONE, REFUSED };

/* One segment, with the entropy-coded data after a scan header. */
static enum step walk_segment(walker *w) {
    size_t start = w->at;
    w->out->usable = start;
    if (w->bytes - w->at < 2) return DONE;
    if (w->data[w->at] != 0xFF) {
        if (w->has_frame) return refuse(w, "stray bytes between segments"), REFUSED;
        w->at++; /* some files have padding in front */
        return GO_ON;
    }
    while (w->at < w->bytes && w->data[w->at] == 0xFF) w->at++;
    if (w->at == w->bytes) return DONE;
    int marker = w->data[w->at++];
    w->out->complete = marker == EOI;
    if (marker == EOI || w->bytes - w->at < 2) return DONE;
    size_t length = (size_t)get16(w->data + w->at); /* counts its own two bytes */
    if (length < 2) return refuse(w, "a segment without a length"), REFUSED;
    if (length > w->bytes - w->at) return DONE;
    if (!check_segment(w, marker, (segment){w->data + w->at + 2, length - 2})) return REFUSED;
    w->at += length;
    if (marker == SOS && !skip_entropy(w)) {
        w->out->usable = w->bytes;
        return DONE;
    }
    return GO_ON;
}

bool yti_jpeg_check(const uint8_t *data, size_t bytes, yti_jpeg *out, const char **reason) {
    yti_jpeg found = {0};
    walker w = {.data = data, .bytes = bytes, .out = &found, .reason = "no JPEG"};
    w.at = first_segment(data, bytes);
    enum step step = w.at > 0 ? GO_ON : REFUSED;
    while (step == GO_ON) step = walk_segment(&w);
    if (step == DONE && !w.has_frame) {
        w.reason = "a JPEG without a frame header";
        step = REFUSED;
    }
    if (step == REFUSED) {
        *reason = w.reason;
        return false;
    }
    if (found.orientation == 0) found.orientation = 1;
    *out = found;
    return true;
}
