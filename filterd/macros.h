/*
 * filterd/macros.h - the macros of Sendmail's that milters ask for, from what is known.
 */
#ifndef POSTHORN_FILTERD_MACROS_H
#define POSTHORN_FILTERD_MACROS_H

#include "filterd/facts.h"
#include "filterd/packet.h"

/* Appends the packet that defines macros for `command`, or nothing if none of them is known.
 * `wanted`: names that the milter has asked for; ptr NULL: those that are usual at the stage. */
void macros_append(struct strbuf *out, enum packet_command command, enum packet_macro_stage stage,
                   struct slice wanted, const struct facts *facts);

#endif
