/*
 * filterd/header_list.h - the header section of a message as a list that filters change.
 *
 * Positions count as in Sendmail, whose milters rely on it: a field that a milter deletes keeps its
 * place until header_list_settle, so that "the second X-Spam" means the same throughout one answer.
 */
#ifndef POSTHORN_FILTERD_HEADER_LIST_H
#define POSTHORN_FILTERD_HEADER_LIST_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define HEADER_LIST_MAX 20000 /* fields from the client */

struct header_list;

/* Takes a header section apart. `*body_at` becomes the offset of the body in `text`: behind the
 * empty line, or where the first line is that is no field. Keeps its own copy. NULL: too many
 * fields. */
struct header_list *header_list_new(struct slice text, size_t *body_at);
void header_list_free(struct header_list **listp);

size_t header_list_count(const struct header_list *list);
/* The n-th field from 0; the slices hold until the list is changed. `body` is what follows the
 * colon, still folded, without the last line end. False: deleted. */
bool header_list_get(const struct header_list *list, size_t n, struct slice *name,
                     struct slice *body);

/* Makes a field the `index`-th of all from 0; above their number: the last. Lines of `value` may be
 * separated by LF or CRLF: what continues without white space gets a tab, so that no value can
 * begin another field. `spaced`: the value brings its space behind the colon itself. */
void header_list_insert(struct header_list *list, size_t index, struct slice name,
                        struct slice value, bool spaced);
/* The `index`-th field of that name, from 1 (0 is taken as 1): an empty value deletes it; beyond
 * their number a new one is added at the end, or nothing deleted. */
void header_list_change(struct header_list *list, uint32_t index, struct slice name,
                        struct slice value, bool spaced);
/* The answer of one filter is complete: deleted fields are gone. */
void header_list_settle(struct header_list *list);

/* Bytes of all fields. */
size_t header_list_size(const struct header_list *list);
/* The header section with the empty line. */
bool header_list_write(const struct header_list *list, struct strbuf *out);

#endif
