/*
 * posthorn/contact_table.h - contacts as a table of text: `contact import` and `contact export`.
 */
#ifndef POSTHORN_POSTHORN_CONTACT_TABLE_H
#define POSTHORN_POSTHORN_CONTACT_TABLE_H

#include "posthorn/accounts.h"

struct contact_table {
    const char *path;   /* NULL or "-": standard input or output */
    const char *book;   /* import: of names without @; export: only that one; NULL: none */
    const char *fields; /* names of columns, "-" for one that is not wanted; NULL: the header line;
                         * of an export: all */
    char separator;
    char comment;     /* import: lines that begin with it are skipped; 0: none are */
    bool no_header;   /* export: without a line of names */
    bool keep_theirs; /* import: contacts that are there stay as they are */
};

int contact_import(struct cli *cli, const struct contact_table *table);
int contact_export(struct cli *cli, const struct contact_table *table);

#endif
