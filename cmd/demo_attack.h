/* demo_attack.h - tampering, each case against running processes or this run's own files.
 *
 * Trust:  none: it plays the attacker.
 * Memory: as demo_play.h.
 */
#ifndef EM_CMD_DEMO_ATTACK_H
#define EM_CMD_DEMO_ATTACK_H

#include "cmd/demo_play.h"

/* All of them; p->stage counts how many were refused by the party that must. */
em_err em_demo_attack_all(em_demo_play *p);

#endif
