/*
 * lib/base/json.h - strings of JSON (RFC 8259 section 7).
 */
#ifndef POSTHORN_LIB_BASE_JSON_H
#define POSTHORN_LIB_BASE_JSON_H

#include "lib/base/strbuf.h"

/* `text` from anybody as a JSON string with its quotes; what is no UTF-8 becomes U+FFFD, and
 * what could steer a terminal (parse_is_deceptive) is escaped. */
void json_quote(struct strbuf *out, struct slice text);

#endif
