/*
 * lib/mail/template_set.h - the templates that there are, the values that each may name, and the
 * texts that are built in: conf/templates/LANGUAGE/NAME.txt (QUE-14, QUE-15).
 */
#ifndef POSTHORN_LIB_MAIL_TEMPLATE_SET_H
#define POSTHORN_LIB_MAIL_TEMPLATE_SET_H

#include "lib/mail/template.h"

enum template_id {
#define TEMPLATE(id, name, values, required) id,
#include "lib/mail/template_set.def"
#undef TEMPLATE
    TEMPLATE_COUNT
};

/* Made from the files by the Makefile. */
#define TEMPLATE(id, name, values, required)                                                       \
    extern const char template_en_##name[], template_zh_CN_##name[];
#include "lib/mail/template_set.def"
#undef TEMPLATE

extern const struct template_kind template_kinds[TEMPLATE_COUNT];
/* The languages of the built-in texts, NULL at the end; the first stands in for any other. */
extern const char *const template_languages[];

bool template_language_is_shipped(const char *language);
const char *template_built_in(const char *language, enum template_id id);
/* "bounce.txt" to its id; -1 if there is none. */
int template_find(const char *file);

#endif
