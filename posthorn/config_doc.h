/*
 * posthorn/config_doc.h - the reference of the settings, from their one table.
 */
#ifndef POSTHORN_POSTHORN_CONFIG_DOC_H
#define POSTHORN_POSTHORN_CONFIG_DOC_H

#include <stdbool.h>
#include <stddef.h>

/* Prints every setting, or those of a section, or one ("section.name"); NULL: all. Returns how many
 * there were. */
size_t config_doc_text(const char *name);
void config_doc_man(void);    /* posthorn.conf(5) in mdoc */
void config_doc_sample(void); /* a posthorn.conf with every default as a comment */

#endif
