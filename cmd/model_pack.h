/* model_pack.h - em model pack: a Hugging Face folder becomes a sealed, signed bundle.
 *
 * Trust:  the folder is hostile (tools/hf.h); the publisher's words are its own.
 * Memory: freed before return.
 */
#ifndef EM_CMD_MODEL_PACK_H
#define EM_CMD_MODEL_PACK_H

int em_model_pack_command(int argc, char **argv);

#endif
