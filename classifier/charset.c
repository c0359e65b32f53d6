/* charset: guess the encoding by the shape of the bytes, then convert. */
#include "config.h"

#include "classifier/charset.h"

#include "classifier/eight.h"

#include <iconv.h>
#include <string.h>

#define ESCAPE 0x1b
#define REPLACEMENT "\xef\xbf\xbd"

/* What the runs of bytes above 0x7f look like. */
struct shape {
    size_t valid;    /* UTF-8 sequences that are right */
    size_t broken;   /* bytes that are in none */
    size_t runs;     /* runs of high bytes */
    size_t high;     /* high bytes */
    size_t odd;      /* runs of odd length: no double-byte set */
    size_t lower_koi, lower_1251; /* Cyrillic small letters in either code page */
    size_t kana;     /* pairs that EUC-JP uses for its syllables */
};

/* Length of the UTF-8 sequence at text (RFC 3629: no overlong forms, no
 * surrogates), or 0. */
static size_t sequence_length(const unsigned char *text, size_t length)
{
    size_t need, i;

    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    need = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (need > length)
        return 0;
    for (i = 1; i < need; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return need;
}

/* The beginning of a sequence that the end of the text cut off. */
static int is_cut(const unsigned char *text, size_t length)
{
    size_t need = text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4, i;

    if (text[0] > 0xf4 || length >= need)
        return 0;
    for (i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return 1;
}

static void measure_run(const unsigned char *text, size_t length, struct shape *shape)
{
    size_t i;

    shape->runs++;
    shape->high += length;
    shape->odd += length % 2;
    for (i = 0; i + 1 < length; i += 2)
        shape->kana += text[i] == 0xa4 || text[i] == 0xa5;
    for (i = 0; i < length; i++) {
        shape->lower_koi += text[i] >= 0xc0 && text[i] <= 0xdf;
        shape->lower_1251 += text[i] >= 0xe0;
    }
}

static void measure(const unsigned char *text, size_t length, struct shape *shape)
{
    size_t i, step, start;

    for (i = 0; i < length; i += step) {
        step = sequence_length(text + i, length - i);
        if (!step && is_cut(text + i, length - i))
            break;
        shape->valid += step > 1;
        shape->broken += !step;
        step += !step;
    }
    for (i = 0; i < length; i++) {
        for (start = i; i < length && text[i] >= 0x80; i++)
            ;
        if (i > start)
            measure_run(text + start, i - start, shape);
    }
}

/* Copies what is valid UTF-8 and puts U+FFFD for the rest. */
static size_t copy_valid(const unsigned char *text, size_t length, char *out, size_t size)
{
    size_t i = 0, used = 0, step;

    while (i < length) {
        step = sequence_length(text + i, length - i);
        if (used + (step ? step : 3) > size)
            break;
        memcpy(out + used, step ? (const char *)text + i : REPLACEMENT, step ? step : 3);
        used += step ? step : 3;
        i += step ? step : 1;
    }
    return used;
}

/* Bytes that the converter refuses are skipped. Returns 0 when this system
 * does not know the character set. */
static size_t convert(const char *from, const char *text, size_t length, char *out, size_t size)
{
    iconv_t converter = iconv_open("UTF-8", from);
    char *in = (char *)(size_t)text; /* iconv does not write to it, POSIX forgot the const */
    char *to = out;

    if (converter == (iconv_t)-1)
        return 0;
    while (length) {
        size_t before = length;

        if (iconv(converter, &in, &length, &to, &size) != (size_t)-1)
            break;
        if (size < 8)
            break;
        if (length && length <= before) {
            in++;
            length--;
        }
    }
    iconv_close(converter);
    return (size_t)(to - out);
}

static int is_jis_pair_byte(char c)
{
    return c > 0x20 && c < 0x7f;
}

/* Length of a double-byte run "$B...(B" whose escape bytes were lost, or 0. */
static size_t bare_jis_run(const char *text, size_t length)
{
    size_t i;

    if (length < 6 || text[0] != '$' || (text[1] != 'B' && text[1] != '@'))
        return 0;
    for (i = 2; i + 1 < length; i += 2) {
        if (text[i] == '(' && (text[i + 1] == 'B' || text[i + 1] == 'J'))
            return i > 2 ? i + 2 : 0;
        if (!is_jis_pair_byte(text[i]) || !is_jis_pair_byte(text[i + 1]))
            return 0;
    }
    return 0;
}

/* Puts back lost escape bytes; returns the new length, or 0 when there is
 * nothing Japanese in the text or no room. */
static size_t restore_escapes(const char *text, size_t length, char *out, size_t size)
{
    size_t i = 0, used = 0, run, found = 0;

    while (i < length) {
        run = bare_jis_run(text + i, length - i);
        if (used + (run ? run + 2 : 1) > size)
            return 0;
        if (!run) {
            out[used++] = text[i++];
            continue;
        }
        found = 1;
        out[used++] = ESCAPE;
        memcpy(out + used, text + i, run - 2);
        used += run - 2;
        out[used++] = ESCAPE;
        out[used++] = '(';
        out[used++] = 'B';
        i += run;
    }
    return found ? used : 0;
}

/* Seven-bit text: ISO-2022-JP with or without its escapes, or plain. */
static size_t repair_seven_bit(const char *text, size_t length, char *out, size_t size)
{
    char restored[16384];
    size_t used = 0, n;

    if (memchr(text, ESCAPE, length))
        used = convert("ISO-2022-JP-2", text, length, out, size);
    else if ((n = restore_escapes(text, length, restored, sizeof(restored))))
        used = convert("ISO-2022-JP", restored, n, out, size);
    return used ? used : copy_valid((const unsigned char *)text, length, out, size);
}

static const char *guess(const struct shape *shape)
{
    /* Words of a non-Latin script are long runs of high bytes; umlauts stand alone. */
    if (shape->high < 2 * shape->runs + shape->runs / 2 && shape->odd)
        return "ISO-8859-1";
    /* A third of a Japanese text is syllables; a Chinese one has none. */
    if (shape->kana * 6 >= shape->high && shape->kana > 2)
        return "EUC-JP";
    if (!shape->odd && shape->high >= 4 * (shape->runs ? shape->runs : 1))
        return "GB18030";
    if (shape->high < 3 * shape->runs)
        return shape->odd ? "ISO-8859-1" : "GB18030";
    return shape->lower_koi > shape->lower_1251 ? "KOI8-R" : "CP1251";
}

/* The first byte from i on that is not ASCII, or length. */
static size_t skip_ascii(const unsigned char *text, size_t length, size_t i)
{
    while (length - i >= 8 && !(eight_load(text + i) & EIGHT_HIGH))
        i += 8;
    while (i < length && text[i] < 0x80)
        i++;
    return i;
}

int charset_is_good(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t high = skip_ascii(bytes, length, 0), i, step;

    if (high == length)
        return !memchr(text, ESCAPE, length) &&
               (!memchr(text, '$', length) || !memmem(text, length, "$B", 2));
    for (i = high; i < length; i = skip_ascii(bytes, length, i + step))
        if (!(step = sequence_length(bytes + i, length - i)))
            return 0;
    return 1;
}

size_t charset_repair(const char *text, size_t length, char *out, size_t size)
{
    struct shape shape = {0};
    size_t used = 0;

    measure((const unsigned char *)text, length, &shape);
    if (!shape.high)
        return repair_seven_bit(text, length, out, size);
    if (shape.broken > shape.valid)
        used = convert(guess(&shape), text, length, out, size);
    return used ? used : copy_valid((const unsigned char *)text, length, out, size);
}
