/*
 * lib/account/dictionary.h - the passwords that nobody may set (DIR-47): administrators keep the
 * list, and the case of letters does not count.
 */
#ifndef POSTHORN_LIB_ACCOUNT_DICTIONARY_H
#define POSTHORN_LIB_ACCOUNT_DICTIONARY_H

#include "lib/account/edit.h"

#define DICTIONARY_WORD_MAX 128       /* bytes, as given and in small letters */
#define DICTIONARY_WORDS_MAX 10000000 /* words of the whole dictionary */

/* 1: it is listed; 0: it is not; -1 with errno. */
int dictionary_has(struct account_base *base, struct slice password);

/* One word, in the transaction of `edit`. 0, or -1 with the result: EXISTS, NO_SUCH, or no word. */
enum { DICTIONARY_EXISTS = 2, DICTIONARY_NO_SUCH = 2 };
int dictionary_add(struct account_edit *edit, struct slice word, const struct object_field *fields,
                   uint32_t count);
int dictionary_del(struct account_edit *edit, struct slice word);
/* A word on each line; those that are there stay as they are, empty lines and those that begin with
 * '#' are passed over. All of them or none: the result names the line. *added counts. */
int dictionary_import(struct account_edit *edit, struct slice text, uint64_t first_line,
                      uint64_t *added);

/* All rows of the dictionary have gone. */
int dictionary_cleared(struct account_edit *edit);

/* Calls each() with the words in order behind `after` (empty: from the first) that were added later
 * than `since` (RFC 3339; empty: all) until it returns -1, at most `rows_max` words looked at. 1:
 * there are more; 0: that were all; -1 with errno. `last` gets the last word that was looked at. */
int dictionary_each_since(struct account_base *base, struct slice after, struct slice since,
                          size_t rows_max, int (*each)(void *arg, struct slice word), void *arg,
                          struct strbuf *last);

#endif
