/*
 * lib/conf/secret_file.c - files with passwords: read once, by path, before any sandbox.
 *
 * Written by the administrator. No password, and no part of one, stands in an error.
 */
#include "lib/conf/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/seal.h"

const struct secret_kind secret_kinds[] = {
#define SECRET(setting, owner, form) {setting, owner, form},
#include "lib/conf/secrets.def"
#undef SECRET
};
const size_t secret_kinds_count = ARRAY_LEN(secret_kinds);

/* ---- places ---- */

const struct secret_kind *
secret_kind_find(enum conf_id setting)
{
    for (size_t i = 0; i < ARRAY_LEN(secret_kinds); i++)
        if (secret_kinds[i].setting == setting)
            return &secret_kinds[i];
    return NULL;
}

char *
seal_key_path(const struct instance *inst, enum conf_id owner)
{
    return xasprintf("%s/" SEAL_KEY_DIR "/%s.key", inst->etc, conf_settings[owner].name);
}

struct secret_place
secret_place_new(const struct conf *conf, const struct instance *inst, enum conf_id setting)
{
    const char *name = conf_str(conf, setting);
    struct secret_place place = {.kind = secret_kind_find(setting)};

    assert_always(place.kind != NULL);
    place.key_path = seal_key_path(inst, place.kind->owner);
    if (name[0] != '\0')
        place.path = instance_etc_path(inst, name);
    return place;
}

void
secret_place_free(struct secret_place *place)
{
    xfree(&place->path);
    xfree(&place->key_path);
}

/* ---- the text ---- */

/* NULL, or what is wrong with it; errno says it too. */
static const char *
read_private(int fd, struct strbuf *text)
{
    struct stat st;
    char *room;

    if (fd < 0 || fstat(fd, &st) < 0)
        return strerror(errno);
    errno = EINVAL;
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "others than its owner have access: chmod 600 it";
    if (!S_ISREG(st.st_mode) || st.st_size > SECRET_FILE_MAX)
        return "not a file of at most 64 KiB";
    room = strbuf_room(text, (size_t)st.st_size);
    if (room == NULL || read_exact(fd, room, (size_t)st.st_size) < 0)
        return strerror(errno);
    strbuf_grew(text, (size_t)st.st_size);
    return NULL;
}

int
secret_file_read(const char *path, struct strbuf *text, struct strbuf *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const char *trouble = read_private(fd, text);
    int saved = errno;

    if (trouble != NULL)
        (void)strbuf_printf(error, "%s: %s", path, trouble);
    close_keep_errno(fd);
    errno = saved;
    return trouble == NULL ? 0 : -1;
}

void
secret_wipe(struct strbuf *text)
{
    if (text->ptr != NULL)
        mem_wipe(text->ptr, text->cap);
    strbuf_free(text);
}

/* ---- the passwords in it ---- */

static bool
append_lower(struct slice text, struct strbuf *out)
{
    bool fits = true;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        fits = strbuf_char(out, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c) && fits;
    }
    return fits;
}

/* Hosts are the same in either case. */
bool
secret_name(const struct secret_kind *kind, struct slice host, struct slice name,
            struct strbuf *out)
{
    bool fits = strbuf_printf(out, "%s.%s", conf_settings[kind->setting].section,
                              conf_settings[kind->setting].name);

    if (kind->form == SECRET_ONE)
        return fits;
    return fits && strbuf_char(out, ' ') && append_lower(host, out) && strbuf_char(out, ' ') &&
           strbuf_append(out, name);
}

/* The next word, and the blanks behind it, off *line. */
static struct slice
next_word(struct slice *line)
{
    size_t end = 0;
    struct slice word;

    while (end < line->len && line->ptr[end] != ' ' && line->ptr[end] != '\t')
        end++;
    word = slice_sub(*line, 0, end);
    *line = slice_trim(slice_sub(*line, end, line->len));
    return word;
}

static const char *
convert_one(const struct secret_kind *kind, struct slice text,
            const struct secret_converter *converter, struct strbuf *out)
{
    struct strbuf name = strbuf_new(SECRET_NAME_MAX);
    const char *trouble = NULL;

    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    (void)secret_name(kind, SLICE(""), SLICE(""), &name); /* a setting's name fits */
    if (text.len > 0)
        trouble = converter->convert(converter->arg, strbuf_slice(&name), text, out);
    if (text.len > 0 && trouble == NULL && !strbuf_char(out, '\n'))
        trouble = "the file would be too long";
    strbuf_free(&name);
    return trouble;
}

/* A line that is not as it should be is copied: whoever uses it will say what was expected. */
static const char *
convert_line(const struct secret_kind *kind, struct slice line,
             const struct secret_converter *converter, struct strbuf *out)
{
    struct slice secret = slice_trim(line), host, user;
    struct strbuf name = strbuf_new(SECRET_NAME_MAX);
    const char *trouble = NULL;

    host = next_word(&secret);
    user = next_word(&secret);
    if (secret.len == 0 || host.ptr[0] == '#') {
        (void)strbuf_append(out, line); /* tested by the caller */
    } else {
        (void)strbuf_append(out, slice_make(line.ptr, (size_t)(secret.ptr - line.ptr)));
        if (!secret_name(kind, host, user, &name))
            trouble = "host and name are too long";
        else
            trouble = converter->convert(converter->arg, strbuf_slice(&name), secret, out);
    }
    strbuf_free(&name);
    return trouble;
}

int
secret_text_convert(const struct secret_place *place, struct slice text,
                    const struct secret_converter *converter, struct strbuf *out,
                    struct strbuf *error)
{
    const char *trouble = NULL;
    unsigned line = 0;

    if (place->kind->form == SECRET_ONE)
        trouble = convert_one(place->kind, text, converter, out);
    for (; place->kind->form == SECRET_LINES && trouble == NULL && text.len > 0; line++) {
        trouble = convert_line(place->kind, slice_split(&text, '\n'), converter, out);
        (void)strbuf_char(out, '\n'); /* an overflow stays set */
    }
    if (trouble == NULL && out->overflow)
        trouble = "the file would be too long";
    if (trouble != NULL && line > 0)
        (void)strbuf_printf(error, "%s:%u: %s", place->path, line, trouble);
    else if (trouble != NULL)
        (void)strbuf_printf(error, "%s: %s", place->path, trouble);
    return trouble == NULL ? 0 : -1;
}

/* ---- opening ---- */

struct opening {
    const struct secret_place *place;
    struct seal_keys keys;
    struct strbuf *error; /* of the key file */
};

static const char *
open_secret(void *arg, struct slice name, struct slice secret, struct strbuf *out)
{
    struct opening *o = arg;
    const char *trouble = NULL;
    size_t before = out->len;

    if (!seal_is_sealed(secret)) {
        (void)strbuf_append(out, secret); /* the caller looks for an overflow */
        return NULL;
    }
    if (o->keys.count == 0 && seal_keys_read(o->place->key_path, &o->keys, o->error) < 0) {
        trouble = "the password is sealed, and its key cannot be read";
    } else {
        trouble = seal_open(&o->keys, name, secret, out);
        if (trouble == NULL &&
            slice_index(slice_sub(strbuf_slice(out), before, out->len), '\n') < out->len - before)
            trouble = "what is sealed there is no single line"; /* it would pass for another line of
                                                                   the file */
    }
    return trouble;
}

/* "etc/relay.passwords:3: the sealed text is damaged"; where the key file is the reason, with that
 * in front. */
int
secret_file_open(const struct secret_place *place, struct strbuf *text, struct strbuf *error)
{
    struct strbuf raw = strbuf_new(SECRET_FILE_MAX), why = strbuf_new(1024);
    struct opening o = {.place = place, .error = error};
    const struct secret_converter converter = {open_secret, &o};
    int rc = -1, saved;

    if (place->path == NULL) {
        errno = ENOENT;
        (void)strbuf_printf(error, "there is no file of passwords");
    } else {
        rc = secret_file_read(place->path, &raw, error);
    }
    saved = errno;
    (void)strbuf_room(text, raw.len + 1); /* does not move and leave a copy */
    if (rc == 0 && secret_text_convert(place, strbuf_slice(&raw), &converter, text, &why) < 0) {
        saved = EINVAL;
        rc = -1;
        (void)strbuf_printf(error, "%s%s", error->len > 0 ? "; " : "", strbuf_cstr(&why));
    }
    seal_keys_wipe(&o.keys);
    secret_wipe(&raw);
    strbuf_free(&why);
    errno = saved;
    return rc;
}
