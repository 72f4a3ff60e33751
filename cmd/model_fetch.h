/* model_fetch.h - em model fetch.
 *
 * Trust:  argv is the user's; the server is hostile (tools/fetch.h).
 * Memory: none.
 */
#ifndef EM_CMD_MODEL_FETCH_H
#define EM_CMD_MODEL_FETCH_H

int em_model_fetch_command(int argc, char **argv);

#endif
