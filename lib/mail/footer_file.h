/*
 * lib/mail/footer_file.h - the signatures of the system and of domains, from a directory:
 *
 *     system.txt  system.html  @example.org.txt  @example.org.html
 *
 * A file is UTF-8. From a .txt comes also what HTML parts get, from a .html also what text parts
 * get, unless both are there. Mail of a domain with a signature gets it, and the system's below.
 */
#ifndef POSTHORN_LIB_MAIL_FOOTER_FILE_H
#define POSTHORN_LIB_MAIL_FOOTER_FILE_H

#include "lib/mail/footer.h"

#define FOOTER_FILE_MAX 65536u /* bytes */
#define FOOTER_DOMAINS_MAX 10000

struct footer_files;

/* A directory that is not there has none. NULL: lines "PATH: what is wrong" in `errors`. */
struct footer_files *footer_files_load(const char *dir, struct strbuf *errors);
void footer_files_free(struct footer_files **filesp);
/* For mail of a user of `domain` (any case); NULL: there is none. */
const struct footer *footer_files_find(const struct footer_files *files, struct slice domain);
bool footer_files_any(const struct footer_files *files);

#endif
