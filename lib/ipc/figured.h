/*
 * lib/ipc/figured.h - all figures as text, from figured. Socket run/figures.sock.
 */
#ifndef POSTHORN_LIB_IPC_FIGURED_H
#define POSTHORN_LIB_IPC_FIGURED_H

#include "lib/ipc/frame.h"

#define FIGURED_SOCKET "figures.sock"
#define FIGURED_QUESTION_MAX 64
#define FIGURED_PAYLOAD_MAX (5u << 20) /* of the answer */

/* A question without fields, and its answer: the text of lib/figures/exposition.h. */
enum figured_type { FIGURED_METRICS = 1, FIGURED_TEXT };

int figured_metrics_encode(struct strbuf *out);
int figured_metrics_decode(struct slice payload);
int figured_text_encode(struct strbuf *out, uint32_t id, struct slice text);
int figured_text_decode(struct slice payload, struct slice *text); /* borrows from payload */

#endif
