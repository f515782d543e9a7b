/** The reference compute node (`cyxwiz node`), a program of its own that shares this file. */
import { key, optional } from "../key.ts";
import { path, secret, text, whole } from "../kinds.ts";
import { callAddress, listenAddress } from "../network-kinds.ts";

export const node = {
  doc: "The reference compute node (`cyxwiz node`). The server does not read this section.",
  keys: {
    server: key(callAddress(), "127.0.0.1:50051", "The central server's gRPC address."),
    name: optional(text(), "Shown to people. Absent: the machine's name."),
    listen_address: key(listenAddress(), "127.0.0.1:50055", "Where the node accepts jobs."),
    advertise_address: optional(
      callAddress(),
      "Where the server reaches `listen_address` from outside. Absent: the address itself.",
    ),
    data_dir: key(path(), ".cyxwiz/node", "Holds the node's identity, jobs and results. One node per directory."),
    token: optional(secret(), "The user's token, sent with every call to the server."),
    wallet_address: optional(text(), "Where earnings go."),
    region: optional(text(), "Shown to people who choose a node."),
    max_jobs: key(whole({ min: 1, max: 1024 }), 1, "Jobs run at once."),
  },
} as const;
