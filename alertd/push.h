/*
 * alertd/push.h - posts a notice of each event to a URL (QUE-18).
 */
#ifndef POSTHORN_ALERTD_PUSH_H
#define POSTHORN_ALERTD_PUSH_H

#include "alertd/hook.h"
#include "lib/conf/conf.h"

struct push;

/* Reads the template: before the sandbox. Exits with a message. NULL: push.url is empty, or master
 * has bound no socket for events. */
struct push *push_new(struct daemon *d);
/* Takes events from now on. `hook` is borrowed. */
void push_start(struct push *push, const struct hook_options *hook);
void push_free(struct push **pushp);

#endif
