declare module 'cluster-key-slot' {
  export default function keySlot(key: string): number;
}
