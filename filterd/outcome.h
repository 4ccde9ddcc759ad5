/*
 * filterd/outcome.h - what a milter or policy service says to one stage.
 */
#ifndef POSTHORN_FILTERD_OUTCOME_H
#define POSTHORN_FILTERD_OUTCOME_H

#include "filterd/packet.h"
#include "lib/ipc/filterd.h"

struct outcome {
    enum filterd_action action;
    unsigned code; /* with REFUSE and SHUT_OUT */
    char dsn[PACKET_DSN_MAX];
    char text[PACKET_TEXT_MAX];
};

static const struct outcome outcome_go_on = {.action = FILTERD_GO_ON};
static const struct outcome outcome_discard = {.action = FILTERD_DISCARD};
static const struct outcome outcome_rejected = {
    .action = FILTERD_REFUSE, .code = 550, .dsn = "5.7.1", .text = "refused by a filter"};
static const struct outcome outcome_later = {.action = FILTERD_REFUSE,
                                             .code = 451,
                                             .dsn = "4.7.1",
                                             .text = "a filter says: try again later"};
static const struct outcome outcome_away = {.action = FILTERD_REFUSE,
                                            .code = 451,
                                            .dsn = "4.3.0",
                                            .text = "a filter is not available, try again later"};
static const struct outcome outcome_away_for_good = {
    .action = FILTERD_REFUSE, .code = 554, .dsn = "5.3.0", .text = "a filter is not available"};
static const struct outcome outcome_shut_out = {
    .action = FILTERD_SHUT_OUT, .code = 421, .dsn = "4.7.0", .text = "closing the connection"};

#endif
