/*
 * lib/conf/conf.h - posthorn.conf: one typed table of every setting, and the values of one file.
 *
 * The table is lib/conf/settings.def: each row is a setting with its section, name, type, default,
 * range and a one-line description. From it come the parser's errors (file:line, what was
 * expected), `posthorn config get|set|check|doc` and the manual page. Durations are milliseconds
 * here, sizes bytes.
 */
#ifndef POSTHORN_LIB_CONF_CONF_H
#define POSTHORN_LIB_CONF_CONF_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define CONF_FILE_MAX (1u << 20)
#define CONF_LIST_MAX 256 /* items of one list */

enum conf_type {
    CONF_BOOL,
    CONF_INT,      /* 0 or more */
    CONF_SIZE,     /* bytes; 20M */
    CONF_DURATION, /* milliseconds; 15m 2h */
    CONF_STRING,
    CONF_HOST, /* a host name; empty where the default is */
    CONF_LIST, /* strings separated by white space or commas; with `choices` these, each once */
    CONF_ADDRESSES, /* a list of IP addresses */
    CONF_NETWORKS,  /* a list of IP addresses and networks (lib/base/cidr.h) */
    CONF_CLIENTS,   /* a list of IP addresses, networks and host names */
    CONF_MILTERS,   /* a list of milters (lib/conf/filter_spec.h) */
    CONF_POLICIES,  /* a list of policy services (the same) */
    CONF_ENUM       /* one of the words in `choices`, separated by | */
};

enum conf_id {
#define SETTING(id, section, name, type, dflt, min, max, choices, help) id,
#include "lib/conf/settings.def"
#undef SETTING
    CONF_ID_COUNT
};

/* Where a decision names the setting that made it, and none did: the host's name makes none. */
#define CONF_NO_SETTING SYSTEM_HOSTNAME

struct conf_setting {
    const char *section, *name;
    enum conf_type type;
    const char *dflt; /* as it would be written in the file */
    uint64_t min, max;
    const char *choices; /* CONF_ENUM and some of CONF_LIST, else NULL */
    const char *help;
};

struct conf;

extern const struct conf_setting conf_settings[CONF_ID_COUNT];

/* Reads `path`. NULL on any error, with one line per error ("file:line: ...") in `errors`.
 * `path` NULL gives the defaults. */
struct conf *conf_load(const char *path, struct strbuf *errors);
/* The same for text that is already in memory; `name` stands in the errors for the file's. */
struct conf *conf_parse(struct slice text, const char *name, struct strbuf *errors);
void conf_free(struct conf **confp);

bool conf_bool(const struct conf *conf, enum conf_id id);
uint64_t conf_u64(const struct conf *conf, enum conf_id id); /* INT, SIZE, DURATION */
const char *conf_str(const struct conf *conf,
                     enum conf_id id); /* STRING, HOST, ENUM; "" when empty */
/* LIST, ADDRESSES, NETWORKS, CLIENTS, MILTERS, POLICIES */
size_t conf_list_count(const struct conf *conf, enum conf_id id);
const char *conf_list_item(const struct conf *conf, enum conf_id id, size_t i);
bool conf_is_set(const struct conf *conf, enum conf_id id); /* in the file, not by default */

/* An item of CLIENTS that is a host name; the others are addresses and networks. */
bool conf_is_client_name(struct slice text);

/* "smtp.max_recipients" to its id; -1 if there is none. */
int conf_find(struct slice dotted_name);
/* "smtp.max_recipients", for the key "setting" of log events about a decision; "" of
 * CONF_NO_SETTING. */
const char *conf_decider(enum conf_id id);

/* What a setting takes, in words: "a number from 0 to 60000", "one of error, warn, info". */
void conf_expected(enum conf_id id, struct strbuf *out);
/* The value in force as it would be written in the file: "20M", "15m", "yes". */
void conf_print_value(const struct conf *conf, enum conf_id id, struct strbuf *out);

#endif
