/** Tactics of ATT&CK in the order of its matrix. */
export const TACTICS = [
  "Reconnaissance",
  "Initial Access",
  "Execution",
  "Persistence",
  "Privilege Escalation",
  "Defense Evasion",
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
  T1027: ["Obfuscated Files or Information", "Defense Evasion"],
  T1036: ["Masquerading", "Defense Evasion"],
  "T1036.005": ["Match Legitimate Resource Name or Location", "Defense Evasion"],
  T1046: ["Network Service Discovery", "Discovery"],
  "T1053.007": ["Container Orchestration Job", "Execution", "Persistence", "Privilege Escalation"],
  T1068: ["Exploitation for Privilege Escalation", "Privilege Escalation"],
  T1069: ["Permission Groups Discovery", "Discovery"],
  T1070: ["Indicator Removal", "Defense Evasion"],
  T1072: ["Software Deployment Tools", "Execution", "Lateral Movement"],
  T1078: ["Valid Accounts", "Initial Access", "Persistence", "Privilege Escalation", "Defense Evasion"],
  "T1078.001": ["Default Accounts", "Initial Access", "Persistence", "Privilege Escalation", "Defense Evasion"],
  "T1078.004": ["Cloud Accounts", "Initial Access", "Persistence", "Privilege Escalation", "Defense Evasion"],
  T1090: ["Proxy", "Command and Control"],
  T1098: ["Account Manipulation", "Persistence", "Privilege Escalation"],
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
  T1550: ["Use Alternate Authentication Material", "Defense Evasion", "Lateral Movement"],
  "T1550.001": ["Application Access Token", "Defense Evasion", "Lateral Movement"],
  "T1552.001": ["Credentials In Files", "Credential Access"],
  "T1552.005": ["Cloud Instance Metadata API", "Credential Access"],
  "T1552.007": ["Container API", "Credential Access"],
  T1557: ["Adversary-in-the-Middle", "Credential Access", "Collection"],
  T1562: ["Impair Defenses", "Defense Evasion"],
  "T1562.001": ["Disable or Modify Tools", "Defense Evasion"],
  "T1562.007": ["Disable or Modify Cloud Firewall", "Defense Evasion"],
  "T1562.008": ["Disable or Modify Cloud Logs", "Defense Evasion"],
  "T1565.001": ["Stored Data Manipulation", "Impact"],
  T1567: ["Exfiltration Over Web Service", "Exfiltration"],
  T1595: ["Active Scanning", "Reconnaissance"],
  T1609: ["Container Administration Command", "Execution"],
  T1610: ["Deploy Container", "Execution", "Defense Evasion"],
  T1611: ["Escape to Host", "Privilege Escalation"],
  T1612: ["Build Image on Host", "Defense Evasion"],
  T1613: ["Container and Resource Discovery", "Discovery"],
  T1649: ["Steal or Forge Authentication Certificates", "Credential Access"],
};

/** A technique's name and tactics; one that is not known here keeps its id and stands under no tactic. */
export function technique(id: string): { readonly name: string; readonly tactics: readonly Tactic[] } {
  const [name, ...tactics] = Object.hasOwn(TECHNIQUES, id) ? (TECHNIQUES[id] ?? [id]) : [id];
  return { name, tactics };
}
