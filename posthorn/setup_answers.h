/*
 * posthorn/setup_answers.h - a file with what `setup` would be told by options, and with settings.
 *
 *     domain = example.org          # one answer a line, by the names in `posthorn help setup`
 *     admin_password_file = /root/admin.secret
 *     [smtp]                        # from the first section on: settings of posthorn.conf
 *     max_recipients = 500
 */
#ifndef POSTHORN_POSTHORN_SETUP_ANSWERS_H
#define POSTHORN_POSTHORN_SETUP_ANSWERS_H

#include "posthorn/setup.h"

/* Fills in what no option has said; texts are there for the life of the process. Every mistake is
 * told with its line. CLI_OK, or an exit code after the messages: then nothing may be done. */
int setup_answers_read(struct setup *setup, const char *path);

#endif
