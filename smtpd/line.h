/*
 * smtpd/line.h - a command line: verb and arguments.
 */
#ifndef POSTHORN_SMTPD_LINE_H
#define POSTHORN_SMTPD_LINE_H

#include "lib/base/slice.h"

/* Splits a line (without CRLF) into verb and arguments; trailing white space is dropped (RFC 5321
 * section 4.1.1). 0, or -1: no verb, or a control character somewhere. */
int line_parse(struct slice line, struct slice *verb, struct slice *args);

#endif
