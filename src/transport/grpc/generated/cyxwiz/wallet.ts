// Generated from proto/cyxwiz/wallet.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** Wallets, balances and cost estimates. */
import { isZero, messageType, readInt64, readMessage, readUint64, writeInt32, writeInt64, writeMessage, writeString, writeUint64 } from "../../codec.ts";
import { method } from "../../definition.ts";
import { StatusCode } from "./common.ts";

export const TransactionType = {
  UNKNOWN: 0,
  JOB_PAYMENT: 1,
  REWARD_CLAIM: 2,
  STAKE: 3,
  UNSTAKE: 4,
  REFUND: 5,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type TransactionType = (typeof TransactionType)[keyof typeof TransactionType];

export const TransactionStatus = {
  PENDING: 0,
  CONFIRMED: 1,
  FAILED: 2,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type TransactionStatus = (typeof TransactionStatus)[keyof typeof TransactionStatus];

export interface ConnectWalletRequest {
  readonly walletAddress: string;
}
export const ConnectWalletRequest = messageType<ConnectWalletRequest>("cyxwiz.protocol.ConnectWalletRequest", {
  create: (p) => ({
    walletAddress: p.walletAddress ?? "",
  }),
  write(m, w) {
    if (m.walletAddress) writeString(w.uint32(10), m.walletAddress);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.walletAddress = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ConnectWalletResponse {
  readonly status: StatusCode;
  readonly message: string;
  readonly isValid: boolean;
  readonly walletAddress: string;
}
export const ConnectWalletResponse = messageType<ConnectWalletResponse>("cyxwiz.protocol.ConnectWalletResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    message: p.message ?? "",
    isValid: p.isValid ?? false,
    walletAddress: p.walletAddress ?? "",
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.message) writeString(w.uint32(18), m.message);
    if (m.isValid) w.uint32(24).bool(m.isValid);
    if (m.walletAddress) writeString(w.uint32(34), m.walletAddress);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.message = r.stringVerify(); return true;
      case 24: m.isValid = r.bool(); return true;
      case 34: m.walletAddress = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface GetBalanceRequest {
  readonly walletAddress: string;
}
export const GetBalanceRequest = messageType<GetBalanceRequest>("cyxwiz.protocol.GetBalanceRequest", {
  create: (p) => ({
    walletAddress: p.walletAddress ?? "",
  }),
  write(m, w) {
    if (m.walletAddress) writeString(w.uint32(10), m.walletAddress);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.walletAddress = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface GetBalanceResponse {
  readonly status: StatusCode;
  readonly message: string;
  /** SOL */
  readonly solBalance: number;
  /** CYXWIZ tokens */
  readonly cyxwizBalance: number;
  readonly tokenMint: string;
}
export const GetBalanceResponse = messageType<GetBalanceResponse>("cyxwiz.protocol.GetBalanceResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    message: p.message ?? "",
    solBalance: p.solBalance ?? 0,
    cyxwizBalance: p.cyxwizBalance ?? 0,
    tokenMint: p.tokenMint ?? "",
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.message) writeString(w.uint32(18), m.message);
    if (m.solBalance !== undefined && !isZero(m.solBalance)) w.uint32(25).double(m.solBalance);
    if (m.cyxwizBalance !== undefined && !isZero(m.cyxwizBalance)) w.uint32(33).double(m.cyxwizBalance);
    if (m.tokenMint) writeString(w.uint32(42), m.tokenMint);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.message = r.stringVerify(); return true;
      case 25: m.solBalance = r.double(); return true;
      case 33: m.cyxwizBalance = r.double(); return true;
      case 42: m.tokenMint = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface Transaction {
  readonly signature: string;
  readonly type: TransactionType;
  readonly status: TransactionStatus;
  /** CYXWIZ tokens */
  readonly amount: number;
  /** unix seconds */
  readonly timestamp: bigint;
  readonly description: string;
  /** a number here although job ids are text elsewhere; 0 when unknown */
  readonly jobId: bigint;
}
export const Transaction = messageType<Transaction>("cyxwiz.protocol.Transaction", {
  create: (p) => ({
    signature: p.signature ?? "",
    type: p.type ?? 0 as TransactionType,
    status: p.status ?? 0 as TransactionStatus,
    amount: p.amount ?? 0,
    timestamp: p.timestamp ?? 0n,
    description: p.description ?? "",
    jobId: p.jobId ?? 0n,
  }),
  write(m, w) {
    if (m.signature) writeString(w.uint32(10), m.signature);
    if (m.type) writeInt32(w.uint32(16), m.type);
    if (m.status) writeInt32(w.uint32(24), m.status);
    if (m.amount !== undefined && !isZero(m.amount)) w.uint32(33).double(m.amount);
    if (m.timestamp) writeInt64(w.uint32(40), m.timestamp);
    if (m.description) writeString(w.uint32(50), m.description);
    if (m.jobId) writeUint64(w.uint32(56), m.jobId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.signature = r.stringVerify(); return true;
      case 16: m.type = r.int32() as TransactionType; return true;
      case 24: m.status = r.int32() as TransactionStatus; return true;
      case 33: m.amount = r.double(); return true;
      case 40: m.timestamp = readInt64(r); return true;
      case 50: m.description = r.stringVerify(); return true;
      case 56: m.jobId = readUint64(r); return true;
    }
    return false;
  },
});

export interface GetTransactionHistoryRequest {
  readonly walletAddress: string;
  /** 0 means 20 */
  readonly limit: number;
  readonly offset: number;
}
export const GetTransactionHistoryRequest = messageType<GetTransactionHistoryRequest>("cyxwiz.protocol.GetTransactionHistoryRequest", {
  create: (p) => ({
    walletAddress: p.walletAddress ?? "",
    limit: p.limit ?? 0,
    offset: p.offset ?? 0,
  }),
  write(m, w) {
    if (m.walletAddress) writeString(w.uint32(10), m.walletAddress);
    if (m.limit) writeInt32(w.uint32(16), m.limit);
    if (m.offset) writeInt32(w.uint32(24), m.offset);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.walletAddress = r.stringVerify(); return true;
      case 16: m.limit = r.int32(); return true;
      case 24: m.offset = r.int32(); return true;
    }
    return false;
  },
});

export interface GetTransactionHistoryResponse {
  readonly status: StatusCode;
  readonly message: string;
  readonly transactions: readonly Transaction[];
  readonly totalCount: number;
}
export const GetTransactionHistoryResponse = messageType<GetTransactionHistoryResponse>("cyxwiz.protocol.GetTransactionHistoryResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    message: p.message ?? "",
    transactions: p.transactions?.map((v) => Transaction.create(v)) ?? [],
    totalCount: p.totalCount ?? 0,
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.message) writeString(w.uint32(18), m.message);
    for (const v of m.transactions ?? []) writeMessage(w, 26, Transaction, v);
    if (m.totalCount) writeInt32(w.uint32(32), m.totalCount);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.message = r.stringVerify(); return true;
      case 26: m.transactions.push(readMessage(r, Transaction)); return true;
      case 32: m.totalCount = r.int32(); return true;
    }
    return false;
  },
});

export interface EstimateJobCostRequest {
  readonly modelType: string;
  readonly epochs: number;
  readonly datasetSize: number;
  /** basic, premium or enterprise */
  readonly nodeTier: string;
}
export const EstimateJobCostRequest = messageType<EstimateJobCostRequest>("cyxwiz.protocol.EstimateJobCostRequest", {
  create: (p) => ({
    modelType: p.modelType ?? "",
    epochs: p.epochs ?? 0,
    datasetSize: p.datasetSize ?? 0,
    nodeTier: p.nodeTier ?? "",
  }),
  write(m, w) {
    if (m.modelType) writeString(w.uint32(10), m.modelType);
    if (m.epochs) writeInt32(w.uint32(16), m.epochs);
    if (m.datasetSize) writeInt32(w.uint32(24), m.datasetSize);
    if (m.nodeTier) writeString(w.uint32(34), m.nodeTier);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.modelType = r.stringVerify(); return true;
      case 16: m.epochs = r.int32(); return true;
      case 24: m.datasetSize = r.int32(); return true;
      case 34: m.nodeTier = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface EstimateJobCostResponse {
  readonly status: StatusCode;
  readonly message: string;
  /** CYXWIZ tokens */
  readonly estimatedCost: number;
  readonly estimatedTimeMinutes: number;
  /** for people to read */
  readonly breakdown: string;
}
export const EstimateJobCostResponse = messageType<EstimateJobCostResponse>("cyxwiz.protocol.EstimateJobCostResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    message: p.message ?? "",
    estimatedCost: p.estimatedCost ?? 0,
    estimatedTimeMinutes: p.estimatedTimeMinutes ?? 0,
    breakdown: p.breakdown ?? "",
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.message) writeString(w.uint32(18), m.message);
    if (m.estimatedCost !== undefined && !isZero(m.estimatedCost)) w.uint32(25).double(m.estimatedCost);
    if (m.estimatedTimeMinutes !== undefined && !isZero(m.estimatedTimeMinutes)) w.uint32(33).double(m.estimatedTimeMinutes);
    if (m.breakdown) writeString(w.uint32(42), m.breakdown);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.message = r.stringVerify(); return true;
      case 25: m.estimatedCost = r.double(); return true;
      case 33: m.estimatedTimeMinutes = r.double(); return true;
      case 42: m.breakdown = r.stringVerify(); return true;
    }
    return false;
  },
});

export const WalletServiceDefinition = {
  connectWallet: method("/cyxwiz.protocol.WalletService/ConnectWallet", ConnectWalletRequest, ConnectWalletResponse, false, false),
  getBalance: method("/cyxwiz.protocol.WalletService/GetBalance", GetBalanceRequest, GetBalanceResponse, false, false),
  getTransactionHistory: method("/cyxwiz.protocol.WalletService/GetTransactionHistory", GetTransactionHistoryRequest, GetTransactionHistoryResponse, false, false),
  estimateJobCost: method("/cyxwiz.protocol.WalletService/EstimateJobCost", EstimateJobCostRequest, EstimateJobCostResponse, false, false),
};
