/*
 * lib/base/http_line.h - tells a line of HTTP that has come to a mail port (SMTP-29): somebody
 * makes a browser talk to us.
 */
#ifndef POSTHORN_LIB_BASE_HTTP_LINE_H
#define POSTHORN_LIB_BASE_HTTP_LINE_H

#include "lib/base/slice.h"

/* True for a method of HTTP that is followed by something: "GET / HTTP/1.1". */
bool http_line_is_request(struct slice line);

#endif
