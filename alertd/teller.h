/*
 * alertd/teller.h - tells of alerts by mail and by URLs: each way by itself, seldom enough, and
 * again when it has failed.
 *
 * Way 0 is mail, the others are URLs. A way that cannot be gone does not hold up another: a full
 * disk takes no mail, and the URLs are told all the same.
 */
#ifndef POSTHORN_ALERTD_TELLER_H
#define POSTHORN_ALERTD_TELLER_H

#include "alertd/alerts.h"
#include "alertd/hook.h"
#include "alertd/mailer.h"
#include "lib/conf/conf.h"

struct teller;

struct teller_options {
    struct hook_options hook;
    const struct mailer *mailer;
    const struct conf *conf;
};

/* The names by which alerts_new() knows the ways; borrowed from `conf`. Returns their number. */
size_t teller_ways(const struct conf *conf, const char *names[ALERT_WAYS_MAX]);

struct teller *teller_new(const struct teller_options *options, struct alerts *alerts,
                          struct stats *stats);
void teller_free(struct teller **tellerp);

/* Something may have changed. */
void teller_look(struct teller *teller);
/* Sends a trial message by every way at once. done() comes once with objects of way and result. 0,
 * or -1: one is under way. */
int teller_try(struct teller *teller, void (*done)(void *arg, struct slice objects), void *arg);

#endif
