declare const self: { onmessage: (() => void) | null };
self.onmessage = () => {
  setTimeout(() => {
    throw new Error("boom");
  });
};

export {};
