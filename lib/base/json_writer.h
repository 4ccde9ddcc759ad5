/*
 * lib/base/json_writer.h - JSON (RFC 8259) written member by member, commas put where they belong.
 *
 * Into a buffer with a ceiling, whose overflow is remembered there. Text may come from anybody.
 */
#ifndef POSTHORN_LIB_BASE_JSON_WRITER_H
#define POSTHORN_LIB_BASE_JSON_WRITER_H

#include "lib/base/strbuf.h"

struct json_writer {
    struct strbuf *out;
    bool comma; /* something stands before, in the same object or array */
};

/* `key` is NULL in arrays and for the whole. Keys are constants that need no escapes. */
void json_writer_open(struct json_writer *w, const char *key, char bracket); /* '{' or '[' */
void json_writer_close(struct json_writer *w, char bracket);                 /* '}' or ']' */
void json_writer_text(struct json_writer *w, const char *key, struct slice value);
void json_writer_number(struct json_writer *w, const char *key, uint64_t value);
void json_writer_bool(struct json_writer *w, const char *key, bool value);
void json_writer_null(struct json_writer *w, const char *key);

#endif
