/** Tactics of ATT&CK 19, which parted Defense Evasion into Stealth and Defense Impairment, in the order of its matrix. */
export const TACTICS = [
  "Reconnaissance",
  "Initial Access",
  "Execution",
  "Persistence",
  "Privilege Escalation",
  "Stealth",
  "Defense Impairment",
  "Credential Access",
  "Discovery",
  "Lateral Movement",
  "Collection",
  "Command and Control",
  "Exfiltration",
  "Impact",
] as const;
export type Tactic = (typeof TACTICS)[number];

/**
 * Name and tactics of the techniques that detections of Kubernetes audit logs name.
 *
 * @see https://attack.mitre.org/matrices/enterprise/containers/
 */
const TECHNIQUES: Readonly<Record<string, readonly [string, ...Tactic[]]>> = {
  T1005: ["Data from Local System", "Collection"],
  T1027: ["Obfuscated Files or Information", "Stealth"],
  T1036: ["Masquerading", "Stealth"],
  "T1036.005": ["Match Legitimate Resource Name or Location", "Stealth"],
  T1040: ["Network Sniffing", "Credential Access", "Discovery"],
  T1046: ["Network Service Discovery", "Discovery"],
  T1048: ["Exfiltration Over Alternative Protocol", "Exfiltration"],
  "T1053.007": ["Container Orchestration Job", "Execution", "Persistence", "Privilege Escalation"],
  "T1059.004": ["Unix Shell", "Execution"],
  T1068: ["Exploitation for Privilege Escalation", "Privilege Escalation"],
  T1069: ["Permission Groups Discovery", "Discovery"],
  T1070: ["Indicator Removal", "Stealth"],
  T1072: ["Software Deployment Tools", "Execution", "Lateral Movement"],
  T1078: ["Valid Accounts", "Initial Access", "Persistence", "Privilege Escalation", "Stealth"],
  "T1078.001": ["Default Accounts", "Initial Access", "Persistence", "Privilege Escalation", "Stealth"],
  "T1078.004": ["Cloud Accounts", "Initial Access", "Persistence", "Privilege Escalation", "Stealth"],
  T1090: ["Proxy", "Command and Control"],
  T1098: ["Account Manipulation", "Persistence", "Privilege Escalation"],
  "T1098.003": ["Additional Cloud Roles", "Persistence", "Privilege Escalation"],
  "T1098.006": ["Additional Container Cluster Roles", "Persistence", "Privilege Escalation"],
  T1105: ["Ingress Tool Transfer", "Command and Control"],
  T1110: ["Brute Force", "Credential Access"],
  T1133: ["External Remote Services", "Initial Access", "Persistence"],
  T1136: ["Create Account", "Persistence"],
  "T1136.001": ["Local Account", "Persistence"],
  T1190: ["Exploit Public-Facing Application", "Initial Access"],
  "T1204.003": ["Malicious Image", "Execution"],
  T1485: ["Data Destruction", "Impact"],
  T1489: ["Service Stop", "Impact"],
  T1490: ["Inhibit System Recovery", "Impact"],
  T1496: ["Resource Hijacking", "Impact"],
  T1498: ["Network Denial of Service", "Impact"],
  T1499: ["Endpoint Denial of Service", "Impact"],
  T1525: ["Implant Internal Image", "Persistence"],
  T1528: ["Steal Application Access Token", "Credential Access"],
  T1531: ["Account Access Removal", "Impact"],
  T1543: ["Create or Modify System Process", "Persistence", "Privilege Escalation"],
  "T1543.005": ["Container Service", "Persistence", "Privilege Escalation"],
  T1546: ["Event Triggered Execution", "Persistence", "Privilege Escalation"],
  "T1548.005": ["Temporary Elevated Cloud Access", "Privilege Escalation"],
  T1550: ["Use Alternate Authentication Material", "Lateral Movement"],
  "T1550.001": ["Application Access Token", "Lateral Movement"],
  "T1552.001": ["Credentials In Files", "Credential Access"],
  "T1552.005": ["Cloud Instance Metadata API", "Credential Access"],
  "T1552.007": ["Container API", "Credential Access"],
  T1557: ["Adversary-in-the-Middle", "Credential Access", "Collection"],
  // Revoked by ATT&CK 19 for T1685 and T1686; rules of others, and older ones, still name them.
  T1562: ["Impair Defenses", "Defense Impairment"],
  "T1562.001": ["Disable or Modify Tools", "Defense Impairment"],
  "T1562.007": ["Disable or Modify Cloud Firewall", "Defense Impairment"],
  "T1562.008": ["Disable or Modify Cloud Logs", "Defense Impairment"],
  T1564: ["Hide Artifacts", "Stealth"],
  "T1565.001": ["Stored Data Manipulation", "Impact"],
  T1567: ["Exfiltration Over Web Service", "Exfiltration"],
  T1572: ["Protocol Tunneling", "Command and Control"],
  T1595: ["Active Scanning", "Reconnaissance"],
  T1609: ["Container Administration Command", "Execution"],
  T1610: ["Deploy Container", "Execution"],
  T1611: ["Escape to Host", "Privilege Escalation"],
  T1612: ["Build Image on Host", "Stealth"],
  T1613: ["Container and Resource Discovery", "Discovery"],
  T1649: ["Steal or Forge Authentication Certificates", "Credential Access"],
  T1685: ["Disable or Modify Tools", "Defense Impairment"],
  "T1685.002": ["Disable or Modify Cloud Log", "Defense Impairment"],
  "T1686.001": ["Cloud Firewall", "Defense Impairment"],
};

/** A technique's name and tactics; one that is not known here keeps its id and stands under no tactic. */
export function technique(id: string): { readonly name: string; readonly tactics: readonly Tactic[] } {
  const [name, ...tactics] = Object.hasOwn(TECHNIQUES, id) ? (TECHNIQUES[id] ?? [id]) : [id];
  return { name, tactics };
}
