/*
 * lib/mail/template_file.h - a template of the administrator's, or the one built in.
 *
 * For a language (system.template_language) the first of these that is there and keeps the rules of
 * template_parse: ETC/templates/LANGUAGE/FILE, ETC/templates/FILE, the text built in for the
 * language, the English one.
 */
#ifndef POSTHORN_LIB_MAIL_TEMPLATE_FILE_H
#define POSTHORN_LIB_MAIL_TEMPLATE_FILE_H

#include "lib/mail/template_set.h"

/* `etc` NULL: built in. A file that breaks a rule is logged and passed over, and so is a set
 * without the file. The text lives as long as the process. */
void template_file_load(const char *etc, const char *language, enum template_id id,
                        struct template_text *text);

/* The file that this language uses, to free; NULL: none is there, so it is the built-in text. */
char *template_file_find(const char *etc, const char *language, enum template_id id);
/* The same for a setting that names the file: the set's own name, or another file, relative to ETC.
 */
char *template_file_named(const char *etc, const char *language, enum template_id id,
                          const char *name);
/* Reads `path`, or takes the built-in text where it is NULL; template_file_free(text). 0, or -1:
 * `error` says what is wrong and where ("file:line: ...", without a line end). */
int template_file_read(const char *path, const char *language, enum template_id id,
                       struct template_text *text, struct strbuf *error);
void template_file_free(struct template_text *text);

/* A language has files of its own in ETC, or built-in ones: for whoever chooses it. */
bool template_language_exists(const char *etc, const char *language);
/* Reads the files that this language would use. 0, or -1: one line per error in `errors`
 * ("file:line: ..."). */
int template_file_check(const char *etc, const char *language, struct strbuf *errors);

#endif
