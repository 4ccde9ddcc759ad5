/*
 * lib/conf/monitor_rules.h - monitoring.rules: whose mail is copied to whom (MON-01 to 04).
 *
 *     [sales]
 *     owner     = example.org            # rule of this domain's administrators; without: the
 * system's monitored = alice@example.org *@example.org outgoing  = boss@example.org       # get a
 * copy of what the monitored send incoming  = audit@example.org      # get a copy of what they
 * receive mail      = both                   # or internal: between local mailboxes, or external
 *
 * Same lines as posthorn.conf. The three lists may stand more than once. A rule with an owner names
 * no address outside that domain: neither whom it monitors nor who reads along.
 */
#ifndef POSTHORN_LIB_CONF_MONITOR_RULES_H
#define POSTHORN_LIB_CONF_MONITOR_RULES_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define MONITOR_RULES_FILE "monitoring.rules" /* below the configuration's directory */
#define MONITOR_FILE_MAX (8u << 20)
#define MONITOR_RULES_MAX 10000
#define MONITOR_ADDRESSES_MAX 100000 /* monitored, in all rules together */
#define MONITOR_COPIES_MAX 10000     /* different addresses that get copies */
#define MONITOR_COPIES_RULE_MAX 1000 /* of one list of one rule */
#define MONITOR_ERRORS_MAX 20        /* that are reported one by one */

enum monitor_mail { MONITOR_INTERNAL = 1, MONITOR_EXTERNAL = 2 };

/* Addresses as positions in the list of all that get copies. */
struct monitor_list {
    uint32_t *items;
    size_t count;
};

struct monitor_rule {
    char *name;
    char *owner;             /* domain in lower case, or NULL */
    unsigned first, last;    /* lines of the file: the section's, the last with a setting */
    uint8_t mail;            /* enum monitor_mail, one or both */
    struct slice *monitored; /* in lower case: "user@domain" or "@domain"; borrowed */
    size_t monitored_count;
    struct monitor_list outgoing, incoming;
};

struct monitor_rules;

/* Takes a copy of what it needs. NULL on any error, with lines "name:line: ..." in `errors`. */
struct monitor_rules *monitor_rules_parse(struct slice text, const char *name,
                                          struct strbuf *errors);
/* The same for the file in the directory `etc`; without a file there are no rules. */
struct monitor_rules *monitor_rules_load(const char *etc, struct strbuf *errors);
void monitor_rules_free(struct monitor_rules **rulesp);

size_t monitor_rules_count(const struct monitor_rules *rules);
const struct monitor_rule *monitor_rules_at(const struct monitor_rules *rules, size_t i);
const struct monitor_rule *monitor_rules_named(const struct monitor_rules *rules,
                                               struct slice name); /* NULL: there is none */
/* All addresses that get copies, each once. */
size_t monitor_rules_copies(const struct monitor_rules *rules);
struct slice monitor_rules_copy(const struct monitor_rules *rules, size_t i);

/* Calls each(arg, rule) for every rule that monitors `address`, by itself or by its domain; ASCII
 * letters in any case. Two look-ups, however many rules there are.
 *
 * `met` (or NULL) is for a question about many addresses: a rule that has been handed out comes not
 * again, so that all of them together cost no more than what is in the file. */
struct monitor_met;
void monitor_rules_find(const struct monitor_rules *rules, struct slice address,
                        struct monitor_met *met,
                        void (*each)(void *arg, const struct monitor_rule *rule), void *arg);
struct monitor_met *monitor_met_new(const struct monitor_rules *rules);
void monitor_met_free(struct monitor_met **metp);

#endif
