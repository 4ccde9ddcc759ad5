/*
 * local-deliver/url.h - what an authorized URL means (RFC 4467): the child that reads it.
 */
#ifndef POSTHORN_LOCAL_DELIVER_URL_H
#define POSTHORN_LOCAL_DELIVER_URL_H

#include "lib/ipc/local_deliver.h"
#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

/* The configured limits, and what the first child would have to load: before the sandbox. */
void url_init(const struct daemon *d);
/* In a process of its own, which it confines to reading that mailbox: judges the URL, writes one
 * struct store_ctl_reply to `result_fd` and then, if it was granted, the text to `text_fd`, at the
 * reader's pace. */
void url_serve(const struct daemon *d, const struct store_dirs *dirs, const struct store_url *url,
               int result_fd, int text_fd);

#endif
