/*
 * posthorn/queue_pick.h - which queued messages a command means: by id, all, or by a filter.
 */
#ifndef POSTHORN_POSTHORN_QUEUE_PICK_H
#define POSTHORN_POSTHORN_QUEUE_PICK_H

#include "lib/queue/queue_list.h"
#include "posthorn/command.h"

#define QUEUE_PICK_OPTIONS 5
#define QUEUE_PICK_SYNOPSIS "[--state S] [--sender A] [--recipient A] [--domain D] [--older-than T]"

struct queue_pick {
    const char *state, *sender, *recipient, *domain, *older; /* the options' texts, or NULL */
    struct queue_filter filter;
    bool filtered; /* an option was given */
};

/* Fills QUEUE_PICK_OPTIONS rows that parse into *pick. */
void queue_pick_options(struct queue_pick *pick, struct cli_option *options);
/* Checks the texts and makes the filter. 0, or CLI_USAGE after the message. */
int queue_pick_read(const struct cli *cli, struct queue_pick *pick);
/* The ids that the words or the filter mean, in order; *count of them in *ids, to be freed with
 * xfree(). "ALL" leaves damaged files alone. 0, or an exit code after the message. */
int queue_pick_ids(struct cli *cli, struct queue_pick *pick, int argc, char **argv,
                   struct queue_found **ids, size_t *count);

/* "2026-11-27T05:00:00Z" or "+2h" as ms since 1970. 0, or CLI_USAGE after the message. */
int queue_pick_time(const struct cli *cli, const char *text, int64_t *ms);

#endif
