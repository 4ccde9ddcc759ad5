/*
 * lib/conf/profile.h - sample configurations for common circumstances (conf/profiles): what
 * `setup` puts into the configuration of a new instance.
 *
 * A profile is a piece of posthorn.conf. Of its comments two kinds mean something:
 *     #? remote.relay_hosts  TEXT      this has to be given (--set), TEXT says what it is
 *     #@ NAME=VALUE NAME=VALUE         properties of the domain that is made
 */
#ifndef POSTHORN_LIB_CONF_PROFILE_H
#define POSTHORN_LIB_CONF_PROFILE_H

#include "lib/conf/conf.h"

struct profile {
    const char *name, *summary; /* of its first line */
    const char *text;
};
extern const struct profile profiles[]; /* ends with a row without name */

/* Made from conf/profiles. */
extern const char profile_fixed_line[], profile_dynamic[], profile_lan[], profile_headquarters[],
    profile_branch[], profile_nat[];

/* NULL: there is none of that name. */
const struct profile *profile_find(const char *name);
/* Takes the next setting off *text, a profile: true, with its value. False at the end, or with a
 * line in `error` where it has a mistake (those that are shipped have none). */
bool profile_setting(struct slice *text, struct slice *section, enum conf_id *id,
                     struct strbuf *value, struct strbuf *error);
/* The next setting that has to be given, and what it is. False at the end. */
bool profile_question(struct slice *text, enum conf_id *id, struct slice *what);
/* The next property of the domain. */
bool profile_property(struct slice *text, struct slice *words, struct slice *name,
                      struct slice *value);

#endif
