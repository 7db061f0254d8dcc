/* Lua needs the type for its hook mask; WebAssembly has no signals. */
typedef int sig_atomic_t;
